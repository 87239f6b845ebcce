#include "trust/authority.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <string_view>
#include <utility>

#include "base/text.h"
#include "trust/files.h"
#include "trust/names.h"

namespace lambari::trust {
namespace {

namespace fs = std::filesystem;

constexpr auto kBackdated = std::chrono::days(1);  // for clocks that differ a little

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* it) const { Free(it); }
};
template <class T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

[[noreturn]] void fail(const std::string& what) {
  char text[160] = "";
  ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
  ERR_clear_error();
  throw AuthorityError(what + ": " + text);
}

void check(bool ok, const char* what) {
  if (!ok) fail(what);
}

std::shared_ptr<EVP_PKEY> make_key() {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  check(key != nullptr, "make a key");
  return key;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(EVP_PKEY* key) {
  Bio bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "write the key");
  return text_of(bio.get());
}

std::string pem_of(X509* certificate) {
  Bio bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(bio.get(), certificate) == 1, "write the certificate");
  return text_of(bio.get());
}

std::shared_ptr<EVP_PKEY> read_key(const std::string& pem) {
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  return key;
}

std::shared_ptr<X509> read_certificate(const std::string& pem) {
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  ERR_clear_error();
  return certificate;
}

std::time_t seconds(SystemTime time) { return static_cast<std::time_t>(time.time_since_epoch().count()); }

void set_names(X509_NAME* name, const std::string& common) {
  auto add = [&](const char* field, const std::string& value) {
    check(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1,
                                     0) == 1,
          "name");
  };
  add("O", "lambari");
  if (common.size() <= 64) add("CN", common);  // RFC 5280's limit; clients look at the alternative names anyway
}

using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;

Extension make_extension(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  check(extension != nullptr, "extension");
  return extension;
}

void add_extension(X509* to, X509* issuer, int kind, const std::string& value) {
  check(X509_add_ext(to, make_extension(to, issuer, kind, value).get(), -1) == 1, "extension");
}

// A certificate but for its names, extensions and signature.
std::shared_ptr<X509> blank(EVP_PKEY* key, SystemTime from, SystemTime to) {
  std::shared_ptr<X509> made(X509_new(), X509_free);
  unsigned char number[16];
  check(made && RAND_bytes(number, sizeof number) == 1, "random numbers");
  number[0] = static_cast<unsigned char>((number[0] & 0x7f) | 0x40);  // positive, and of full length
  Owned<BIGNUM, BN_free> serial(BN_bin2bn(number, sizeof number, nullptr));
  check(X509_set_version(made.get(), X509_VERSION_3) == 1 &&
            BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(made.get())) &&
            ASN1_TIME_set(X509_getm_notBefore(made.get()), seconds(from)) &&
            ASN1_TIME_set(X509_getm_notAfter(made.get()), seconds(to)) && X509_set_pubkey(made.get(), key) == 1,
        "certificate");
  return made;
}

// What the holder of the key could vouch for at most. Addresses: loopback, private (RFC 1918, RFC 4193) and link-local ones.
std::string constraints() {
  std::string text = "critical";
  for (auto suffix : vouched_suffixes()) text += ",permitted;DNS:" + std::string(suffix);
  for (const char* range : {"127.0.0.0/255.0.0.0", "10.0.0.0/255.0.0.0", "172.16.0.0/255.240.0.0", "192.168.0.0/255.255.0.0",
                            "169.254.0.0/255.255.0.0", "0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF",
                            "FC00:0:0:0:0:0:0:0/FE00:0:0:0:0:0:0:0", "FE80:0:0:0:0:0:0:0/FFC0:0:0:0:0:0:0:0"})
    text += std::string(",permitted;IP:") + range;
  return text;
}

// The name tells authorities of different data directories apart, and stays with the key.
std::string authority_name(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int size = i2d_PUBKEY(key, &der);
  check(size > 0, "public key");
  unsigned char digest[32];
  unsigned length = 0;
  const bool ok = EVP_Digest(der, static_cast<std::size_t>(size), digest, &length, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  check(ok, "digest");
  static constexpr char kHex[] = "0123456789abcdef";
  std::string name = "lambari local authority ";
  for (int i = 0; i < 4; ++i) {
    name += kHex[digest[i] >> 4];
    name += kHex[digest[i] & 15];
  }
  return name;
}

std::shared_ptr<X509> make_authority(EVP_PKEY* key, SystemTime now) {
  auto made = blank(key, now - kBackdated, now + Authority::kLifetime);
  auto* x = made.get();
  set_names(X509_get_subject_name(x), authority_name(key));
  check(X509_set_issuer_name(x, X509_get_subject_name(x)) == 1, "issuer");
  add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(x, x, NID_subject_key_identifier, "hash");
  add_extension(x, x, NID_name_constraints, constraints());
  check(X509_sign(x, key, EVP_sha256()) > 0, "sign");
  return made;
}

bool is_address(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 || inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

SystemTime end_of(const X509* certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return {};
  return SystemTime(std::chrono::seconds(timegm(&end)));
}

// Whether the certificate is bound to the names of today; an earlier version may have had fewer.
bool has_constraints_of_today(X509* certificate) {
  const int at = X509_get_ext_by_NID(certificate, NID_name_constraints, -1);
  if (at < 0) return false;
  auto wanted = make_extension(certificate, certificate, NID_name_constraints, constraints());
  return ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(X509_get_ext(certificate, at)), X509_EXTENSION_get_data(wanted.get())) ==
         0;
}

// The authority's own certificate: of this key, for long enough, and made as we make them now.
bool is_good(X509* certificate, EVP_PKEY* key, SystemTime now) {
  return certificate && X509_check_private_key(certificate, key) == 1 && X509_check_ca(certificate) == 1 &&
         has_constraints_of_today(certificate) && end_of(certificate) > now + Authority::kRenewBefore;
}

}  // namespace

SystemTime system_now() { return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()); }

Authority::Authority(fs::path directory, SystemTime now) : directory_(std::move(directory)), leaf_key_(make_key()) {
  try {
    open(now);
  } catch (const FileError& error) {
    throw AuthorityError(error.what());
  }
}

Authority::~Authority() = default;

void Authority::open(SystemTime now) {
  make_private_folder(directory_);
  const auto key_file = directory_ / "ca-key.pem";
  if (auto text = read_small_file(key_file)) {
    key_ = read_key(*text);
    if (!key_)
      throw AuthorityError(key_file.string() + " holds no key; restore it, or remove it to have a new authority made (whoever " +
                           "trusts the old one must then trust the new one)");
    make_private(key_file);
  } else {
    key_ = make_key();
    write_durably(key_file, pem_of(key_.get()), 0600);
  }
  // The key comes first: a certificate can be made again from it at any time.
  if (auto text = read_small_file(certificate_file())) certificate_ = read_certificate(*text);
  if (!is_good(certificate_.get(), key_.get(), now)) {
    certificate_ = make_authority(key_.get(), now);
    write_durably(certificate_file(), pem_of(certificate_.get()), 0644);
  }
  ERR_clear_error();
  pem_ = pem_of(certificate_.get());
}

std::shared_ptr<const http::Identity> Authority::identity_for(const std::string& name, const std::string& address,
                                                              SystemTime now) {
  const auto subject = may_be_vouched(name) ? name : is_address(address) ? address : std::string("localhost");
  {
    std::lock_guard lock(mutex_);
    auto found = kept_.find(subject);
    if (found != kept_.end() && found->second.renew > now) {
      used_.splice(used_.begin(), used_, found->second.used);
      return found->second.identity;
    }
  }
  auto identity = issue(subject, now);  // no other loop waits for it; two may make the same
  std::lock_guard lock(mutex_);
  if (auto found = kept_.find(subject); found != kept_.end()) {
    used_.erase(found->second.used);
    kept_.erase(found);
  } else if (kept_.size() >= kKept) {
    kept_.erase(used_.back());
    used_.pop_back();
  }
  used_.push_front(subject);
  kept_[subject] = {identity, now + kLeafLifetime - kLeafRenewBefore, used_.begin()};
  return identity;
}

std::shared_ptr<const http::Identity> Authority::issue(const std::string& subject, SystemTime now) const {
  auto made = blank(leaf_key_.get(), now - kBackdated, std::min<SystemTime>(now + kLeafLifetime, end_of(certificate_.get())));
  auto* x = made.get();
  auto* issuer = certificate_.get();
  set_names(X509_get_subject_name(x), subject);
  check(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1, "issuer");
  std::string names;
  if (is_address(subject)) {
    names = "IP:" + subject + ",DNS:localhost";
    for (const char* loopback : {"127.0.0.1", "::1"})
      if (subject != loopback) names += std::string(",IP:") + loopback;
  } else {
    names = "DNS:" + subject;
  }
  add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x, issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(x, issuer, NID_ext_key_usage, "serverAuth");
  add_extension(x, issuer, NID_subject_key_identifier, "hash");
  add_extension(x, issuer, NID_authority_key_identifier, "keyid:always");
  add_extension(x, issuer, NID_subject_alt_name, names);
  check(X509_sign(x, key_.get(), EVP_sha256()) > 0, "sign");
  return std::make_shared<const http::Identity>(http::Identity{std::move(made), leaf_key_});
}

}  // namespace lambari::trust
