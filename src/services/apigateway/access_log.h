// Access logs of a stage. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contracts/log_sink.h"
#include "services/apigateway/model.h"

namespace lambari::apigateway {

struct Exchange;

class AccessLogger {
 public:
  AccessLogger(const AccessLog& settings, std::string stream);

  // The line of one finished exchange; a variable without a value prints as "-".
  std::string line(const Exchange& exchange) const;
  void write(const Exchange& exchange, contracts::LogSink& sink) const;

 private:
  struct Piece {
    bool variable;
    std::string text;
  };
  std::vector<Piece> pieces_;
  std::string account_, region_, group_, stream_;
};

}  // namespace lambari::apigateway
