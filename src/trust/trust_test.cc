#include <gmock/gmock.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "trust/authority.h"
#include "trust/bundle.h"
#include "trust/files.h"
#include "trust/names.h"

namespace lambari::trust {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TrustTest : public testing::Test {
 protected:
  TrustTest() {
    std::string pattern = fs::temp_directory_path() / "lambari-trust-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~TrustTest() override { fs::remove_all(folder_); }

  static unsigned mode(const fs::path& path) {
    struct stat info{};
    return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }

  fs::path folder_;
};

// What a client that trusts `pem` thinks of `identity` under this name or address: X509_V_OK or why not.
int verify(const std::string& pem, const http::Identity& identity, const std::string& host,
           std::chrono::sys_seconds at = system_now()) {
  std::unique_ptr<X509_STORE, void (*)(X509_STORE*)> store(X509_STORE_new(), X509_STORE_free);
  std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store.get(), one);
    X509_free(one);
  }
  ERR_clear_error();
  std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), identity.certificate.get(), nullptr);
  auto* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(parameters, at.time_since_epoch().count());
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1) X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), 0);
  ERR_clear_error();
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(Names, AreKnown) {
  struct Case {
    const char* name;
    bool aws, served, vouched;
  };
  for (const auto& [name, aws, served, vouched] : {
           Case{"sqs.us-east-1.amazonaws.com", true, true, true},
           Case{"SQS.US-EAST-1.AMAZONAWS.COM.", true, true, true},
           Case{"amazonaws.com", true, true, true},
           Case{"bucket.s3.cn-north-1.amazonaws.com.cn", true, true, true},
           Case{"abc.lambda-url.us-east-1.on.aws", true, true, true},
           Case{"lambda.us-east-1.api.aws", true, true, true},
           Case{"localhost", false, true, true},
           Case{"a.b.localhost", false, true, true},
           Case{"sandbox.localdomain", false, true, true},
           Case{"printer.local", false, false, true},
           Case{"host.docker.internal", false, false, true},
           Case{"evilamazonaws.com", false, false, false},
           Case{"amazonaws.com.evil.example", false, false, false},
           Case{"notlocalhost", false, false, false},
           Case{"example.com", false, false, false},
           Case{"", false, false, false},
           Case{".", false, false, false},
       }) {
    EXPECT_EQ(is_aws_name(name), aws) << name;
    EXPECT_EQ(is_served_name(name), served) << name;
    EXPECT_EQ(may_be_vouched(name), vouched) << name;
  }
}

TEST_F(TrustTest, ClientsAcceptWhatItVouchesFor) {
  Authority authority(folder_ / "tls");
  for (const char* name :
       {"sqs.us-east-1.amazonaws.com", "abc.execute-api.us-east-1.amazonaws.com", "localhost", "x.y.localhost",
        "bucket.with.dots.s3.us-east-1.amazonaws.com", "a.lambda-url.eu-west-1.on.aws", "s3.cn-north-1.amazonaws.com.cn",
        "a-very-long-first-label-of-a-bucket-name-that-has-sixty-three-ch.s3.us-east-1.amazonaws.com"}) {
    auto identity = authority.identity_for(name, "127.0.0.1");
    EXPECT_EQ(verify(authority.pem(), *identity, name), X509_V_OK) << name;
    EXPECT_NE(verify(authority.pem(), *identity, "other.example"), X509_V_OK);
  }
  for (const char* address :
       {"127.0.0.1", "::1", "127.0.0.53", "192.168.1.5", "10.1.2.3", "172.20.0.2", "169.254.1.1", "fd00::5"}) {
    auto identity = authority.identity_for("", address);
    EXPECT_EQ(verify(authority.pem(), *identity, address), X509_V_OK) << address;
    EXPECT_EQ(verify(authority.pem(), *identity, "localhost"), X509_V_OK) << address;
  }
}

TEST_F(TrustTest, ClientsRefuseWhatItHasNoSayIn) {
  Authority authority(folder_ / "tls");
  // Whatever is asked for, the certificate is for the address.
  EXPECT_EQ(authority.identity_for("www.example.com", "127.0.0.1"), authority.identity_for("", "127.0.0.1"));
  // Were it made to vouch for a public address, the constraints would show.
  EXPECT_EQ(verify(authority.pem(), *authority.identity_for("", "8.8.8.8"), "8.8.8.8"), X509_V_ERR_PERMITTED_VIOLATION);
  Authority other(folder_ / "other");
  EXPECT_NE(verify(other.pem(), *authority.identity_for("localhost", ""), "localhost"), X509_V_OK);
}

TEST_F(TrustTest, IsTheSameAfterARestart) {
  std::string pem;
  {
    Authority first(folder_ / "tls");
    pem = first.pem();
  }
  EXPECT_THAT(pem, StartsWith("-----BEGIN CERTIFICATE-----\n"));
  EXPECT_EQ(mode(folder_ / "tls"), 0700u);
  EXPECT_EQ(mode(folder_ / "tls/ca-key.pem"), 0600u);
  Authority second(folder_ / "tls");
  EXPECT_EQ(second.pem(), pem);
  EXPECT_EQ(verify(pem, *second.identity_for("localhost", ""), "localhost"), X509_V_OK);
}

TEST_F(TrustTest, TakesTheRightsOfOthersAway) {
  {
    Authority first(folder_ / "tls");
  }
  fs::permissions(folder_ / "tls/ca-key.pem", fs::perms(0644));
  Authority second(folder_ / "tls");
  EXPECT_EQ(mode(folder_ / "tls/ca-key.pem"), 0600u);
}

TEST_F(TrustTest, MakesTheCertificateAgainFromItsKey) {
  std::string pem;
  {
    pem = Authority(folder_ / "tls").pem();
  }
  for (auto damage : {"", "no certificate"}) {
    if (*damage)
      std::ofstream(folder_ / "tls/ca.pem") << damage;
    else
      fs::remove(folder_ / "tls/ca.pem");
    Authority again(folder_ / "tls");
    EXPECT_EQ(verify(pem, *again.identity_for("localhost", ""), "localhost"), X509_V_OK);
  }
}

TEST_F(TrustTest, IsMadeAgainWhenItIsBoundToOtherNames) {
  {
    Authority first(folder_ / "tls");
  }
  const auto folder = (folder_ / "tls").string();
  ASSERT_EQ(system(("openssl req -x509 -key " + folder +
                    "/ca-key.pem -days 3650 -subj /CN=old -addext "
                    "nameConstraints=critical,permitted\\;DNS:localhost -out " +
                    folder + "/ca.pem 2>/dev/null")
                       .c_str()),
            0);
  const auto old = *read_small_file(folder_ / "tls/ca.pem");
  Authority again(folder_ / "tls");
  EXPECT_NE(again.pem(), old);
  EXPECT_EQ(verify(again.pem(), *again.identity_for("sqs.us-east-1.amazonaws.com", ""), "sqs.us-east-1.amazonaws.com"),
            X509_V_OK);
}

TEST_F(TrustTest, ADamagedKeyIsNotReplacedBehindTheUsersBack) {
  {
    Authority first(folder_ / "tls");
  }
  std::ofstream(folder_ / "tls/ca-key.pem") << "damage";
  try {
    Authority second(folder_ / "tls");
    FAIL();
  } catch (const AuthorityError& error) {
    EXPECT_THAT(error.what(), HasSubstr("ca-key.pem"));
    EXPECT_THAT(error.what(), HasSubstr("remove it"));
  }
}

TEST_F(TrustTest, IsRenewedNearItsEnd) {
  const auto born = system_now();
  std::string pem;
  {
    pem = Authority(folder_ / "tls", born).pem();
  }
  {
    EXPECT_EQ(Authority(folder_ / "tls", born + 24h * 3000).pem(), pem);
  }
  const auto late = born + Authority::kLifetime - 24h * 100;
  Authority renewed(folder_ / "tls", late);
  EXPECT_NE(renewed.pem(), pem);
  auto identity = renewed.identity_for("localhost", "", late);
  EXPECT_EQ(verify(renewed.pem(), *identity, "localhost", late), X509_V_OK);
  EXPECT_EQ(verify(pem, *identity, "localhost", late), X509_V_OK);  // who trusts the old one needs do nothing yet
}

TEST_F(TrustTest, CertificatesAreKeptAndRenewed) {
  Authority authority(folder_ / "tls");
  const auto now = system_now();
  auto first = authority.identity_for("localhost", "", now);
  EXPECT_EQ(authority.identity_for("localhost", "", now + 24h * 59), first);
  const auto later = now + 24h * 61;
  auto second = authority.identity_for("localhost", "", later);
  EXPECT_NE(second, first);
  EXPECT_EQ(verify(authority.pem(), *second, "localhost", later + 24h * 80), X509_V_OK);
  // Any number of names may be asked for.
  for (std::size_t i = 0; i < Authority::kKept + 10; ++i)
    authority.identity_for("n" + std::to_string(i) + ".localhost", "", later);
  EXPECT_NE(authority.identity_for("localhost", "", later), second);
}

TEST_F(TrustTest, FilesAreWrittenOnceAndWhole) {
  Authority authority(folder_ / "tls");
  const auto system = system_authorities();
  auto files = write_files(folder_ / "tls", system, authority.pem());
  auto all = read_small_file(files.bundle);
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->ends_with(authority.pem()));
  EXPECT_TRUE(all->starts_with(system));
  EXPECT_EQ(bundle(*all, authority.pem()), *all);
  const auto before = fs::last_write_time(files.java);
  write_files(folder_ / "tls", system, authority.pem());
  EXPECT_EQ(fs::last_write_time(files.java), before);
  fs::remove(files.java);
  write_files(folder_ / "tls", system, authority.pem());
  EXPECT_TRUE(fs::exists(files.java));
  EXPECT_FALSE(read_small_file(folder_ / "none"));
}

TEST_F(TrustTest, JavaReadsItsStore) {
  Authority authority(folder_ / "tls");
  auto store = java_truststore(authority.pem() + authority.pem());
  EXPECT_THAT(store, StartsWith(std::string("\xfe\xed\xfe\xed\0\0\0\2\0\0\0\2\0\0\0\2\0\x0b"
                                            "authority-0",
                                            29)));
  if (system("command -v keytool >/dev/null 2>&1") != 0) GTEST_SKIP() << "no keytool here";
  std::ofstream(folder_ / "store.jks") << java_truststore(bundle(system_authorities(), authority.pem()));
  auto list =
      "keytool -list -keystore " + (folder_ / "store.jks").string() + " -storepass changeit > " + (folder_ / "list").string();
  ASSERT_EQ(system(list.c_str()), 0);
  EXPECT_THAT(*read_small_file(folder_ / "list"), HasSubstr("trustedCertEntry"));
}

}  // namespace
}  // namespace lambari::trust
