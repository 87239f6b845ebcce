// What a function URL decides without I/O: which one a request means, the event of a call, and how refusals are put.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
#pragma once

#include <string>
#include <string_view>

#include "contracts/identity.h"
#include "http/message.h"
#include "services/lambda/service.h"
#include "services/lambda/url_model.h"
#include "wire/fault.h"

namespace lambari::lambda {

inline constexpr std::string_view kUrlPath = "/_aws/lambda-url/";

// "http://{id}.lambda-url.{region}.localhost:4566/", with the port that the client used; AWS's own host name where the client
// used such a one.
std::string url_of(const FunctionUrl& url, std::string_view host, bool secure);

// The event that the function gets, and how long a request may be until then: 6 MB as on AWS.
struct UrlCall {
  const FunctionUrl& url;
  const contracts::Principal& caller;
  std::string_view request_id, domain_name;
  std::string_view target;  // path and query without what addresses the URL
  base::Timestamp time;
};
// Takes hop-by-hop headers out of the request and adds the forwarding ones.
std::string url_event(http::Request& request, const UrlCall& call);

// {"Message":"Forbidden..."} and its kin, with x-amzn-ErrorType.
http::Response url_refusal(const wire::Fault& fault);
http::Response url_failure();  // 502: the function failed, or its answer is not of the format

}  // namespace lambari::lambda
