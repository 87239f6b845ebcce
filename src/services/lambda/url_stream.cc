#include "services/lambda/url_stream.h"

#include <stdexcept>

#include "base/json.h"
#include "wire/http_event.h"

namespace lambari::lambda {
namespace {

const std::string kEnd(8, '\0');

// What is left of the piece that the head ended in, then the rest. A function that fails in the middle breaks the answer off.
class Body : public http::BodySource {
 public:
  Body(std::shared_ptr<StreamedAnswer> answer, std::string first) : answer_(std::move(answer)), first_(std::move(first)) {}
  ~Body() override { answer_->leave(); }

  async::Task<std::string> next() override {
    if (!first_.empty()) co_return std::exchange(first_, {});
    while (auto piece = co_await answer_->read()) {
      if (!piece->empty()) co_return std::move(*piece);
    }
    if (!answer_->finished().function_error.empty()) throw std::runtime_error("the function failed inside its answer");
    co_return std::string();
  }

 private:
  const std::shared_ptr<StreamedAnswer> answer_;
  std::string first_;
};

}  // namespace

std::optional<http::Response> read_head(std::string_view json) {
  auto document = base::parse_json(json, 32);
  auto* head = document ? document->if_object() : nullptr;
  if (!head) return std::nullopt;
  if (!head->contains("statusCode")) (*head)["statusCode"] = 200;
  head->erase("body");
  return wire::response_v2(base::to_json(*head), "application/octet-stream");
}

async::Task<std::optional<http::Response>> streamed_response(std::shared_ptr<StreamedAnswer> answer) {
  if (answer->content_type().empty()) co_return std::nullopt;
  http::Response response;
  std::string first;
  if (answer->content_type() == kHttpIntegration) {
    std::size_t end = std::string::npos;
    while (end == std::string::npos) {
      auto piece = co_await answer->read();
      if (!piece) {
        answer->leave();
        co_return std::nullopt;
      }
      const auto from = first.size() < kEnd.size() ? 0 : first.size() - kEnd.size();
      first += *piece;
      end = first.find(kEnd, from);
      if (end == std::string::npos && first.size() > kMaxHead) {
        answer->leave();
        co_return std::nullopt;
      }
    }
    auto head = read_head(std::string_view(first).substr(0, end));
    if (!head) {
      answer->leave();
      co_return std::nullopt;
    }
    response = std::move(*head);
    first.erase(0, end + kEnd.size());
  } else {
    // One that fails before its first byte has not answered.
    auto piece = co_await answer->read();
    if (!piece && !answer->finished().function_error.empty()) co_return std::nullopt;
    first = std::move(piece).value_or("");
    response.headers.set("Content-Type", answer->content_type());
  }
  response.stream = std::make_shared<Body>(std::move(answer), std::move(first));
  co_return response;
}

}  // namespace lambari::lambda
