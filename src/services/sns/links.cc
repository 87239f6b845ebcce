// The links in messages: they are followed by browsers and by subscribers' code, without a signature.
#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "services/sns/state.h"

namespace lambari::sns {
namespace {

constexpr std::string_view kConfirm = "/?Action=ConfirmSubscription&";
constexpr std::string_view kUnsubscribe = "/?Action=Unsubscribe&";
constexpr std::string_view kCertificate = "/SimpleNotificationService-";
constexpr std::string_view kNamespace = "http://sns.amazonaws.com/doc/2010-03-31/";

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

http::Response xml(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "text/xml");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.body = std::move(body);
  return response;
}

}  // namespace

bool Sns::is_link(const http::Request& head) {
  if (head.method != "GET") return false;
  const std::string_view target = head.target;
  if (target.starts_with(kCertificate)) return true;
  return (target.starts_with(kConfirm) || target.starts_with(kUnsubscribe)) && !head.headers.has("Authorization") &&
         target.find("X-Amz-Signature=") == target.npos;
}

async::Task<http::Response> Sns::follow_link(http::Request request) {
  if (request.target.starts_with(kCertificate)) {
    co_await state_->signer.ready();
    http::Response response;
    if (request.path() != state_->signer.path()) {
      response.status = 404;
      co_return response;
    }
    response.headers.set("Content-Type", "application/x-pem-file");
    response.body = state_->signer.certificate();
    co_return response;
  }
  std::map<std::string, std::string> given;
  for (auto& [name, value] : base::parse_query(request.query())) given.insert_or_assign(name, value);
  wire::Call call;
  call.request_id = base::uuid();
  call.principal.kind = contracts::Principal::Kind::anonymous;
  call.time = state_->d.clock.now();
  const bool confirm = given["Action"] == "ConfirmSubscription";
  std::optional<wire::Fault> fault;
  try {
    std::string result;
    if (confirm) {
      aws::sns::ConfirmSubscriptionInput input{given["TopicArn"], given["Token"], std::nullopt};
      const auto done = co_await ConfirmSubscription(call, std::move(input));
      result = fmt::format("<ConfirmSubscriptionResult><SubscriptionArn>{}</SubscriptionArn></ConfirmSubscriptionResult>",
                           escaped(*done.SubscriptionArn));
    } else {
      co_await Unsubscribe(call, {given["SubscriptionArn"]});
    }
    const std::string_view name = confirm ? "ConfirmSubscription" : "Unsubscribe";
    co_return xml(200, fmt::format("<{0}Response xmlns=\"{1}\">{2}<ResponseMetadata><RequestId>{3}</RequestId></ResponseMetadata>"
                                   "</{0}Response>\n",
                                   name, kNamespace, result, call.request_id));
  } catch (const wire::Fault& thrown) {
    fault = thrown;
  }
  co_return xml(fault->status(),
                fmt::format("<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type><Code>{}</Code><Message>{}</Message>"
                            "</Error><RequestId>{}</RequestId></ErrorResponse>\n",
                            kNamespace, fault->senders() ? "Sender" : "Receiver", fault->code(), escaped(fault->message()),
                            call.request_id));
}

}  // namespace lambari::sns
