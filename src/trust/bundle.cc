#include "trust/bundle.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <vector>

#include "trust/files.h"

namespace lambari::trust {
namespace {

constexpr const char* kBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, Red Hat, Amazon Linux
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",  // openSUSE
    "/etc/ssl/cert.pem",
};
constexpr std::size_t kMostCertificates = 4'096;

void put(std::string& to, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) to += static_cast<char>(value >> shift & 0xff);
}
void put_text(std::string& to, std::string_view text) {
  put(to, text.size(), 2);
  to += text;
}

std::vector<std::string> certificates_in(std::string_view pem) {
  std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  std::vector<std::string> all;
  while (all.size() < kMostCertificates) {
    char *name = nullptr, *header = nullptr;
    unsigned char* der = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &der, &size) != 1) break;
    if (std::string_view(name) == PEM_STRING_X509) all.emplace_back(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
  }
  ERR_clear_error();
  return all;
}

}  // namespace

std::string system_authorities(const std::filesystem::path& preferred) {
  auto read = [](const std::filesystem::path& file) -> std::string {
    try {
      return read_small_file(file).value_or("");
    } catch (const FileError&) {
      return "";
    }
  };
  if (!preferred.empty())
    if (auto text = read(preferred); !text.empty()) return text;
  for (const char* file : kBundles)
    if (auto text = read(file); !text.empty()) return text;
  return "";
}

std::string bundle(std::string_view authorities, std::string_view ours) {
  std::string all(authorities);
  if (!all.empty() && !all.ends_with('\n')) all += '\n';
  if (all.find(ours) == std::string::npos) all += ours;
  return all;
}

// The format is that of sun.security.provider.JavaKeyStore.
std::string java_truststore(std::string_view pem) {
  const auto certificates = certificates_in(pem);
  std::string store;
  put(store, 0xfeedfeed, 4);
  put(store, 2, 4);
  put(store, certificates.size(), 4);
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    put(store, 2, 4);  // a trusted certificate
    put_text(store, "authority-" + std::to_string(i));
    put(store, 0, 8);  // when it was put in: the same content is the same file
    put_text(store, "X.509");
    put(store, certificates[i].size(), 4);
    store += certificates[i];
  }
  std::string sealed;
  for (char c : std::string_view("changeit")) put(sealed, static_cast<unsigned char>(c), 2);
  sealed += "Mighty Aphrodite";
  sealed += store;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(sealed.data(), sealed.size(), digest, &size, EVP_sha1(), nullptr);
  store.append(reinterpret_cast<char*>(digest), size);
  return store;
}

Files write_files(const std::filesystem::path& folder, std::string_view authorities, std::string_view ours) {
  Files files{folder / "ca.pem", folder / "bundle.pem", folder / "truststore.jks"};
  const auto all = bundle(authorities, ours);
  if (read_small_file(files.authority) != ours) write_durably(files.authority, ours, 0644);
  std::error_code none;
  // Java's is made from the bundle, so first of the two: a run that was cut off between them makes both again.
  if (read_small_file(files.bundle) != all || !std::filesystem::exists(files.java, none)) {
    write_durably(files.java, java_truststore(all), 0644);
    write_durably(files.bundle, all, 0644);
  }
  return files;
}

}  // namespace lambari::trust
