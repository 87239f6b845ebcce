#include "cli/connection.h"

#include <fmt/format.h>

#include "async/loops.h"
#include "base/clock.h"
#include "cli/run_file.h"
#include "http/client.h"
#include "wire/sigv4.h"

namespace lambari::cli {
namespace {

std::string value(const Values& environment, const std::string& name, std::string otherwise = {}) {
  auto found = environment.find(name);
  return found == environment.end() || found->second.empty() ? otherwise : found->second;
}

std::string text_member(const base::json::object& object, std::initializer_list<std::string_view> names) {
  for (auto name : names)
    if (const auto* member = object.if_contains(name); member && member->is_string())
      return std::string(std::string_view(member->get_string()));
  return {};
}

// A streaming invocation may take fifteen minutes.
constexpr std::chrono::milliseconds kPatience{16 * 60'000};

http::ClientOptions client_options() {
  http::ClientOptions options;
  options.connect_timeout = std::chrono::milliseconds(3'000);
  options.total_timeout = kPatience;
  options.response_bytes = 64 * 1024 * 1024;
  return options;
}

async::Task<> exchange(http::Client& client, const std::string& url, http::Request request, http::Response& response) {
  response = co_await client.send(url, std::move(request), kPatience);
}

base::json::object document_of(const http::Response& response) {
  auto document = base::parse_json(response.body);
  base::json::object object = document && document->is_object() ? document->get_object() : base::json::object();
  if (response.status < 200 || response.status >= 300) {
    auto message = text_member(object, {"message"});
    throw CommandError(message.empty() ? fmt::format("the server answered {}; is it lambari?", response.status) : message);
  }
  return object;
}

}  // namespace

struct Connection::State {
  wire::SigningKey key;
  async::Loops loops{1, 1};
  http::Client client{loops, client_options()};
};

std::string find_endpoint(const std::string& flag, const Program& program) {
  if (!flag.empty()) return flag;
  if (auto set = value(program.environment, "AWS_ENDPOINT_URL"); !set.empty()) return set;
  if (auto note = read_run_file(program.data)) return note->url;
  auto address = value(program.environment, "LAMBARI_ADDRESS", "127.0.0.1");
  if (address == "0.0.0.0") address = "127.0.0.1";
  if (address.find(':') != std::string::npos) address = "[" + address + "]";
  return fmt::format("http://{}:{}", address, value(program.environment, "LAMBARI_PORT", "4566"));
}

Connection::Connection(std::string url, const Values& environment) : url_(std::move(url)), state_(std::make_unique<State>()) {
  while (url_.ends_with('/')) url_.pop_back();
  if (!url_.starts_with("http://") && !url_.starts_with("https://")) url_ = "http://" + url_;
  region_ = value(environment, "AWS_REGION", value(environment, "AWS_DEFAULT_REGION", "us-east-1"));
  state_->key = {value(environment, "AWS_ACCESS_KEY_ID", "test"), value(environment, "AWS_SECRET_ACCESS_KEY", "test"),
                 value(environment, "AWS_SESSION_TOKEN")};
}

Connection::~Connection() = default;

http::Response Connection::send(http::Request request) {
  if (!request.headers.has("Host")) request.headers.set("Host", url_.substr(url_.find("://") + 3));
  http::Response response;
  try {
    state_->loops.run(exchange(state_->client, url_, std::move(request), response));
  } catch (const http::ClientError& error) {
    if (error.kind == http::ClientError::Kind::connect || error.kind == http::ClientError::Kind::resolve)
      throw Unreachable(fmt::format("nothing listens at {} (start it with: lambari start; or say where with --endpoint)", url_));
    throw Unreachable(fmt::format("{} does not answer: {}", url_, error.what()));
  }
  return response;
}

base::json::object Connection::get(const std::string& page) {
  http::Request request;
  request.target = "/_lambari/" + page;
  return document_of(send(std::move(request)));
}

base::json::object Connection::post(const std::string& page, const base::json::object& document) {
  http::Request request;
  request.method = "POST";
  request.target = "/_lambari/" + page;
  request.headers.set("Content-Type", "application/json");
  request.headers.set("X-Lambari", "1");
  request.body = base::to_json(document);
  return document_of(send(std::move(request)));
}

http::Response Connection::aws(std::string_view service, http::Request request) {
  request.headers.set("Host", url_.substr(url_.find("://") + 3));
  base::Clock machine;  // signatures carry the machine's time
  wire::sign(request, state_->key, region_, service, machine.now());
  auto response = send(std::move(request));
  if (response.status >= 200 && response.status < 300) return response;
  auto document = base::parse_json(response.body);
  base::json::object object = document && document->is_object() ? document->get_object() : base::json::object();
  std::string code(response.headers.get("x-amzn-ErrorType"));
  if (code.empty()) code = text_member(object, {"__type", "code", "Code"});
  if (auto colon = code.find(':'); colon != std::string::npos) code.resize(colon);
  if (auto hash = code.find('#'); hash != std::string::npos) code.erase(0, hash + 1);
  auto message = text_member(object, {"message", "Message"});
  throw ServiceError(code.empty() ? fmt::format("HTTP {}", response.status) : code, message.empty() ? "no message" : message);
}

}  // namespace lambari::cli
