#include "services/sns/signer.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdexcept>

#include "base/bytes.h"
#include "base/ids.h"
#include "services/sns/keys.h"

namespace lambari::sns {
namespace {

constexpr std::size_t kRemembered = 4'096;
constexpr long kTenYears = 10L * 365 * 24 * 3600;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

[[noreturn]] void fail(const char* what) { throw std::runtime_error(std::string("the key of SNS: ") + what); }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Private key and certificate, one after the other.
std::string make_pem() {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
  if (!key) fail("cannot be made");
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), base::random_u64() >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24L * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kTenYears);
  X509_set_pubkey(certificate.get(), key.get());
  auto* name = X509_get_subject_name(certificate.get());
  for (const auto& [field, value] : {std::pair{"O", "lambari"}, std::pair{"CN", "sns.amazonaws.com"}})
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(value), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) fail("cannot sign its certificate");
  Bio out(BIO_new(BIO_s_mem()), BIO_free_all);
  if (PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(out.get(), certificate.get()) != 1)
    fail("cannot be written");
  return text_of(out.get());
}

}  // namespace

Signer::Signer(async::Loops& loops, store::Store& store) : loops_(loops), store_(store) {}
Signer::~Signer() = default;

void Signer::use(const std::string& pem) {
  Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
  key_.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const auto begin = pem.find("-----BEGIN CERTIFICATE-----");
  if (!key_ || begin == pem.npos) fail("cannot be read");
  certificate_ = pem.substr(begin);
  path_ = "/SimpleNotificationService-" + base::hex(base::md5(certificate_)) + ".pem";
}

async::Task<> Signer::ready() {
  if (ready_) co_return;
  while (!co_await making_.acquire(std::chrono::seconds(30))) {
  }
  struct Release {
    async::Semaphore& semaphore;
    ~Release() { semaphore.release(); }
  } release{making_};
  if (ready_) co_return;
  auto kept = store_.read()->get(keys::signing());
  if (!kept) {
    std::string made;
    co_await loops_.block([&made] { made = make_pem(); });
    kept = co_await store_.transact([&](store::Transaction& t) {
      if (auto other = t.get(keys::signing())) return *other;
      t.put(keys::signing(), made);
      return made;
    });
  }
  use(*kept);
  ready_ = true;
}

std::string Signer::sign(const std::string& version, const std::string& text) {
  std::shared_ptr<Made> made;
  {
    const std::string name = version + base::sha256(text);
    const std::lock_guard lock(mutex_);
    auto& slot = made_[name];
    if (!slot) {
      slot = std::make_shared<Made>();
      order_.push_back(name);
      if (order_.size() > kRemembered) {
        made_.erase(order_.front());
        order_.pop_front();
      }
    }
    made = slot;
  }
  std::call_once(made->once, [&] {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    if (EVP_DigestSignInit(context.get(), nullptr, version == "2" ? EVP_sha256() : EVP_sha1(), nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) != 1)
      fail("does not sign");
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size()) != 1)
      fail("does not sign");
    signature.resize(size);
    made->signature = base::base64(signature);
  });
  return made->signature;
}

}  // namespace lambari::sns
