#include "services/iam/seal.h"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/json.h"
#include "store/json_row.h"

namespace lambari::iam {

namespace json = base::json;
using store::json_row::number;
using store::json_row::text;

namespace {

constexpr std::size_t kNonce = 12, kTag = 16;
constexpr std::size_t kMaxToken = 64 << 10;

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string encrypt(std::string_view key, std::string_view label, std::string_view text) {
  Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  auto out = base::random_bytes(kNonce);
  std::string body(text.size(), '\0'), tag(kTag, '\0');
  int size = 0;
  if (!cipher || EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(out)) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes(label), static_cast<int>(label.size())) != 1 ||
      EVP_EncryptUpdate(cipher.get(), bytes(body), &size, bytes(text), static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), bytes(body) + size, &size) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, bytes(tag)) != 1) {
    throw std::runtime_error("iam: cannot seal");
  }
  return out + body + tag;
}

std::optional<std::string> decrypt(std::string_view key, std::string_view label, std::string_view sealed) {
  if (sealed.size() < kNonce + kTag) return std::nullopt;
  const auto nonce = sealed.substr(0, kNonce);
  std::string tag(sealed.substr(sealed.size() - kTag));
  const auto body = sealed.substr(kNonce, sealed.size() - kNonce - kTag);
  std::string text(body.size(), '\0');
  int size = 0;
  Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  if (!cipher || EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce)) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes(label), static_cast<int>(label.size())) != 1 ||
      EVP_DecryptUpdate(cipher.get(), bytes(text), &size, bytes(body), static_cast<int>(body.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, bytes(tag)) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), bytes(text) + size, &size) != 1) {
    return std::nullopt;
  }
  return text;
}

}  // namespace

std::string seal_session(std::string_view key, std::string_view access_key_id, const contracts::Secret& secret) {
  const auto& p = secret.principal;
  json::object row{
      {"s", secret.secret_access_key}, {"k", static_cast<int>(p.kind)}, {"a", p.account}, {"n", p.arn}, {"u", p.user_id}};
  if (secret.expires) row["e"] = secret.expires->ms;
  if (!p.role_arn.empty()) row["r"] = p.role_arn;
  if (!p.session_policy.empty()) row["p"] = p.session_policy;
  if (!p.session_policy_arns.empty()) row["pa"] = json::array(p.session_policy_arns.begin(), p.session_policy_arns.end());
  if (!p.session_tags.empty()) {
    json::object tags;
    for (const auto& [name, value] : p.session_tags) tags[name] = value;
    row["t"] = std::move(tags);
  }
  if (!p.source_identity.empty()) row["i"] = p.source_identity;
  row["w"] = p.session_issued.ms;
  return base::base64(encrypt(key, access_key_id, base::to_json(row)));
}

std::optional<contracts::Secret> open_session(std::string_view key, std::string_view access_key_id, const std::string& token) {
  if (token.size() > kMaxToken) return std::nullopt;
  const auto sealed = base::unbase64(token);
  if (!sealed) return std::nullopt;
  const auto plain = decrypt(key, access_key_id, *sealed);
  if (!plain) return std::nullopt;
  const auto value = base::parse_json(*plain);
  if (!value || !value->is_object()) return std::nullopt;
  const auto& row = value->as_object();
  contracts::Secret out;
  out.secret_access_key = text(row, "s");
  out.session_token = token;
  if (row.contains("e")) out.expires = base::Timestamp{number(row, "e")};
  auto& p = out.principal;
  p.kind = static_cast<contracts::Principal::Kind>(number(row, "k"));
  p.account = text(row, "a");
  p.arn = text(row, "n");
  p.user_id = text(row, "u");
  p.access_key_id = std::string(access_key_id);
  p.role_arn = text(row, "r");
  p.session_policy = text(row, "p");
  if (const auto* arns = row.if_contains("pa")) {
    for (const auto& arn : arns->as_array()) p.session_policy_arns.emplace_back(arn.as_string());
  }
  if (const auto* tags = row.if_contains("t")) {
    for (const auto& [name, tag] : tags->as_object()) p.session_tags[std::string(name)] = std::string(tag.as_string());
  }
  p.source_identity = text(row, "i");
  p.session_issued = base::Timestamp{number(row, "w")};
  return out;
}

}  // namespace lambari::iam
