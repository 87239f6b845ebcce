#include "wire/aws_chunked.h"

#include <charconv>

#include "base/bytes.h"
#include "base/text.h"
#include "wire/checksum.h"
#include "wire/fault.h"

namespace lambari::wire {
namespace {

constexpr std::size_t kMaxLine = 16 * 1024;
constexpr int kMaxTrailers = 16;
constexpr std::string_view kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

[[noreturn]] void malformed() {
  throw Fault("IncompleteBody", "The request body terminated unexpectedly or is not well-formed aws-chunked", 400);
}
[[noreturn]] void mismatch() {
  throw Fault("SignatureDoesNotMatch",
              "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
              403);
}

class Decoder {
 public:
  Decoder(std::string_view body, bool is_signed, bool has_trailer, ChunkSigner& signer)
      : rest_(body), signed_(is_signed), trailer_(has_trailer), signer_(signer) {}

  std::string content;
  std::vector<std::pair<std::string, std::string>> trailers;

  void run() {
    content.reserve(rest_.size());
    for (;;) {
      auto [head, extension] = base::cut(line(), ';');
      std::size_t size = 0;
      auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), size, 16);
      if (error != std::errc{} || end != head.data() + head.size() || head.empty() || size > rest_.size()) malformed();
      auto data = rest_.substr(0, size);
      rest_.remove_prefix(size);
      if (signed_) check_chunk(data, extension);
      content += data;
      if (size == 0) break;
      if (!rest_.starts_with("\r\n")) malformed();
      rest_.remove_prefix(2);
    }
    if (trailer_)
      read_trailers();
    else if (!rest_.empty() && rest_ != "\r\n")
      malformed();
  }

 private:
  std::string_view line() {
    auto end = rest_.find("\r\n");
    if (end == std::string_view::npos || end > kMaxLine) malformed();
    auto out = rest_.substr(0, end);
    rest_.remove_prefix(end + 2);
    return out;
  }

  void check(std::string_view head, std::string_view middle, std::string_view data, std::string_view signature) {
    std::string text(head);
    ((text += '\n') += signer_.time) += '\n';
    ((text += signer_.scope) += '\n') += signer_.previous;
    (text += '\n') += middle;
    text += base::hex(base::sha256(data));
    std::string expected = base::hex(base::hmac_sha256(signer_.key, text));
    if (!base::equal_in_constant_time(expected, signature)) mismatch();
    signer_.previous = std::move(expected);
  }

  void check_chunk(std::string_view data, std::string_view extension) {
    constexpr std::string_view kName = "chunk-signature=";
    if (!extension.starts_with(kName)) malformed();
    check("AWS4-HMAC-SHA256-PAYLOAD", std::string(kEmptyHash) + "\n", data, extension.substr(kName.size()));
  }

  void read_trailers() {
    std::string canonical, signature;
    for (int i = 0; !rest_.empty(); ++i) {
      if (i > kMaxTrailers) malformed();
      auto text = line();
      if (text.empty()) continue;
      if (text.ends_with('\n')) text.remove_suffix(1);  // as AWS's own example has it before the signature
      auto [name, value] = base::cut(text, ':');
      value = base::trim(value);
      if (base::iequals(name, "x-amz-trailer-signature")) {
        signature = value;
      } else {
        ((canonical += base::lower(base::trim(name))) += ':') += value;
        canonical += '\n';
        trailers.emplace_back(base::lower(base::trim(name)), value);
      }
    }
    if (signed_) check("AWS4-HMAC-SHA256-TRAILER", "", canonical, signature);
  }

  std::string_view rest_;
  bool signed_, trailer_;
  ChunkSigner& signer_;
};

}  // namespace

void decode_aws_chunked(http::Request& request, std::string_view kind, ChunkSigner signer) {
  bool has_signatures = kind.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  bool has_trailer = kind.ends_with("-TRAILER");
  if (!has_signatures && kind != "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    throw Fault("InvalidRequest", "The value of x-amz-content-sha256 header is invalid.", 400);
  Decoder decoder(request.body, has_signatures, has_trailer, signer);
  decoder.run();

  if (auto length = request.headers.find("X-Amz-Decoded-Content-Length"))
    if (base::parse_int(*length) != static_cast<long long>(decoder.content.size())) malformed();
  for (auto& [name, value] : decoder.trailers) {
    auto right = checksum_matches(name, value, decoder.content);
    if (right && !*right)
      throw Fault(
          "BadDigest",
          "The " + std::string(name.substr(name.rfind('-') + 1)) + " you specified did not match the calculated checksum.", 400);
    request.headers.set(name, value);
  }
  request.body = std::move(decoder.content);

  std::string encodings;
  for (auto part : base::split(request.headers.get("Content-Encoding"), ','))
    if (part = base::trim(part); !part.empty() && !base::iequals(part, "aws-chunked"))
      (encodings += encodings.empty() ? "" : ",") += part;
  request.headers.remove("Content-Encoding");
  if (!encodings.empty()) request.headers.set("Content-Encoding", encodings);
}

}  // namespace lambari::wire
