#include "services/apigateway/access_log.h"

#include "base/text.h"
#include "services/apigateway/exchange.h"
#include "services/apigateway/rules.h"

namespace lambari::apigateway {

AccessLogger::AccessLogger(const AccessLog& settings, std::string stream)
    : group_(log_group_of(settings.destination_arn)), stream_(std::move(stream)) {
  const auto parts = base::split(settings.destination_arn, ':');
  if (parts.size() > 4) {
    region_ = std::string(parts[3]);
    account_ = std::string(parts[4]);
  }
  constexpr std::string_view kPrefix = "$context.";
  std::string_view rest = settings.format;
  while (rest.ends_with('\n')) rest.remove_suffix(1);
  while (!rest.empty()) {
    const auto at = rest.find(kPrefix);
    if (at != 0) pieces_.push_back({false, std::string(rest.substr(0, at))});
    if (at == rest.npos) break;
    rest.remove_prefix(at + kPrefix.size());
    std::size_t end = 0;
    while (end < rest.size() &&
           (std::isalnum(static_cast<unsigned char>(rest[end])) || rest[end] == '_' || rest[end] == '-' ||
            (rest[end] == '.' && end + 1 < rest.size() && std::isalnum(static_cast<unsigned char>(rest[end + 1])))))
      ++end;
    pieces_.push_back({true, std::string(rest.substr(0, end))});
    rest.remove_prefix(end);
  }
}

std::string AccessLogger::line(const Exchange& exchange) const {
  std::string line;
  for (const auto& piece : pieces_) {
    if (!piece.variable) {
      line += piece.text;
      continue;
    }
    const auto value = context_value(exchange, piece.text);
    line += value ? *value : "-";
  }
  return line;
}

void AccessLogger::write(const Exchange& exchange, contracts::LogSink& sink) const {
  sink.write(account_, region_, group_, stream_, {{exchange.time, line(exchange)}});
}

}  // namespace lambari::apigateway
