#include "services/sqs/seal.h"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

#include "base/ids.h"

namespace lambari::sqs {

namespace {

constexpr std::size_t kNonce = 12, kTag = 16;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// One of each thread: making a context costs more than sealing a small message.
EVP_CIPHER_CTX* context() {
  thread_local const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> kept(EVP_CIPHER_CTX_new(),
                                                                                          EVP_CIPHER_CTX_free);
  if (!kept) throw std::bad_alloc();
  EVP_CIPHER_CTX_reset(kept.get());
  return kept.get();
}

}  // namespace

std::string seal(std::string_view key, std::string_view label, std::string_view text) {
  auto* cipher = context();
  auto out = base::random_bytes(kNonce);
  out.resize(kNonce + text.size() + kTag);
  int size = 0;
  if (EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nullptr, bytes(key), bytes(out)) != 1 ||
      EVP_EncryptUpdate(cipher, nullptr, &size, bytes(label), static_cast<int>(label.size())) != 1 ||
      EVP_EncryptUpdate(cipher, bytes(out) + kNonce, &size, bytes(text), static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher, bytes(out) + kNonce + size, &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, kTag, bytes(out) + kNonce + text.size()) != 1)
    throw std::runtime_error("sqs: cannot seal a message");
  return out;
}

std::string unseal(std::string_view key, std::string_view label, std::string_view sealed) {
  if (sealed.size() < kNonce + kTag) throw std::runtime_error("sqs: a sealed message is too short");
  auto* cipher = context();
  std::string tag(sealed.substr(sealed.size() - kTag));
  const auto body = sealed.substr(kNonce, sealed.size() - kNonce - kTag);
  std::string text(body.size(), '\0');
  int size = 0;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nullptr, bytes(key), bytes(sealed)) != 1 ||
      EVP_DecryptUpdate(cipher, nullptr, &size, bytes(label), static_cast<int>(label.size())) != 1 ||
      EVP_DecryptUpdate(cipher, bytes(text), &size, bytes(body), static_cast<int>(body.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, kTag, bytes(tag)) != 1 ||
      EVP_DecryptFinal_ex(cipher, bytes(text) + size, &size) != 1)
    throw std::runtime_error("sqs: a sealed message does not open");
  return text;
}

}  // namespace lambari::sqs
