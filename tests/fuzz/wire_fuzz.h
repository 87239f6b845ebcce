// What the targets of src/wire share: the real services' models behind one router.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/apigatewayv2/api.h"
#include "aws/iam/api.h"
#include "aws/lambda/api.h"
#include "aws/logs/api.h"
#include "aws/sts/api.h"
#include "wire/codec.h"
#include "wire/fault.h"
#include "wire/model_only.h"
#include "wire/router.h"

namespace lambari::fuzz {

struct Services {
  wire::ModelOnly lambda{aws::lambda::kModel}, gateway{aws::apigatewayv2::kModel}, iam{aws::iam::kModel}, sts{aws::sts::kModel},
      logs{aws::logs::kModel};
  wire::Router router{{&lambda, &gateway, &iam, &sts, &logs}};
};

inline Services& services() {
  static Services all;
  return all;
}

// Decodes what is served; a Fault is an answer, anything else is found.
inline void decode(const wire::Match& match, http::Request request) {
  if (!match.operation || !match.operation->served) return;
  try {
    wire::Value value = wire::decode_request(match, request);
    if (!match.operation->input) return;
    // What was read can be written.
    wire::Operation echo = *match.operation;
    echo.output = echo.input;
    wire::Match back = match;
    back.operation = &echo;
    wire::encode_result(back, value.get(), "id");
  } catch (const wire::Fault& fault) {
    wire::encode_fault(&match, request, fault, "id");
  }
}

// The first byte chooses one of the model's served operations.
inline wire::Match choose(wire::Service& service, std::uint8_t byte, wire::Protocol protocol) {
  const auto& model = service.model();
  std::size_t served = 0, index = 0;
  for (const auto& operation : model.operations) served += operation.served;
  wire::Match match;
  match.service = &service;
  match.model = &model;
  match.protocol = protocol;
  for (const auto& operation : model.operations)
    if (operation.served && index++ == byte % served) match.operation = &operation;
  return match;
}

inline http::Request body(std::string_view text) {
  http::Request request;
  request.method = "POST";
  request.body = text;
  return request;
}

}  // namespace lambari::fuzz
