#include "front/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "wire/fault.h"

namespace lambari::front {
namespace {

constexpr std::size_t kDefault = 8 * 1024 * 1024;
constexpr std::size_t kCodeUpload = 70'167'211;  // 50 MB of zip as base64, and the rest of the request
constexpr std::size_t kInvoke = 6 * 1024 * 1024;
// What is over AWS's limit, but not by much, is read and refused in AWS's words; the rest gets a bare 413.
constexpr std::size_t kCodeUploadRead = 96 * 1024 * 1024;
constexpr std::size_t kInvokeRead = 16 * 1024 * 1024;

constexpr std::array kCodeOperations = {std::string_view("CreateFunction"), std::string_view("UpdateFunctionCode"),
                                        std::string_view("PublishLayerVersion")};

// The dated paths of Lambda that carry a package: POST /2015-03-31/functions, PUT .../{name}/code, POST
// /2018-10-31/layers/{name}/versions
bool carries_code(const http::Request& head) {
  auto path = head.path();
  if (!path.starts_with("/20")) return false;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (head.method == "PUT") return path.starts_with("/2015-03-31/functions/") && path.ends_with("/code");
  return head.method == "POST" &&
         (path == "/2015-03-31/functions" || (path.starts_with("/2018-10-31/layers/") && path.ends_with("/versions")));
}

}  // namespace

std::size_t api_body_limit(const http::Request& head) {
  if (carries_code(head)) return kCodeUploadRead;
  const auto path = head.path();
  return path.ends_with("/invocations") || path.ends_with("/response-streaming-invocations") ? kInvokeRead : kDefault;
}

void check_body_size(const wire::Match& match, std::size_t body_bytes) {
  if (body_bytes <= kInvoke || match.model->name != "lambda" || match.operation == nullptr) return;
  bool code = std::ranges::find(kCodeOperations, match.operation->name) != kCodeOperations.end();
  std::size_t limit = code ? kCodeUpload : kInvoke;
  if (body_bytes <= limit) return;
  throw wire::Fault("RequestEntityTooLargeException",
                    fmt::format("Request must be smaller than {} bytes for the {} operation", limit,
                                match.operation->name == "Invoke" ? "InvokeFunction" : match.operation->name),
                    413);
}

}  // namespace lambari::front
