#include "cli/run_file.h"

#include <signal.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/json.h"

namespace lambari::cli {
namespace {

std::filesystem::path file_in(const std::filesystem::path& data) { return data / "running.json"; }

}  // namespace

bool write_run_file(const std::filesystem::path& data, const RunFile& note) {
  auto beside = file_in(data);
  beside += ".new";
  {
    std::ofstream out(beside, std::ios::trunc);
    out << base::to_json(base::json::object{{"pid", note.pid}, {"url", note.url}}) << '\n';
    if (!out.flush()) return false;
  }
  std::error_code error;
  std::filesystem::rename(beside, file_in(data), error);
  return !error;
}

std::optional<RunFile> read_run_file(const std::filesystem::path& data) {
  std::ifstream in(file_in(data));
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  auto document = base::parse_json(text, 4);
  const auto* object = document ? document->if_object() : nullptr;
  const auto* pid = object ? object->if_contains("pid") : nullptr;
  const auto* url = object ? object->if_contains("url") : nullptr;
  if (!pid || !pid->is_int64() || pid->get_int64() <= 0 || !url || !url->is_string()) return std::nullopt;
  RunFile note{static_cast<long>(pid->get_int64()), std::string(std::string_view(url->get_string()))};
  if (kill(static_cast<pid_t>(note.pid), 0) != 0 && errno == ESRCH) return std::nullopt;
  return note;
}

void remove_run_file(const std::filesystem::path& data) {
  std::error_code ignored;
  std::filesystem::remove(file_in(data), ignored);
}

}  // namespace lambari::cli
