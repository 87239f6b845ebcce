// ca and run.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <ostream>

#include "cli/commands.h"
#include "cli/surroundings.h"
#include "trust/files.h"

namespace lambari::cli {
namespace {

namespace fs = std::filesystem;

// Where systems keep what their owner trusts, and the command that takes it up.
struct SystemStore {
  const char *folder, *command, *undo;
};
constexpr SystemStore kStores[] = {
    // Debian, Ubuntu, Alpine
    {"/usr/local/share/ca-certificates", "update-ca-certificates", "update-ca-certificates --fresh"},
    // Fedora, Red Hat, Amazon Linux
    {"/etc/pki/ca-trust/source/anchors", "update-ca-trust extract", "update-ca-trust extract"},
    // Arch
    {"/etc/ca-certificates/trust-source/anchors", "update-ca-trust", "update-ca-trust"},
    // openSUSE
    {"/etc/pki/trust/anchors", "update-ca-certificates", "update-ca-certificates"},
};

const SystemStore* find_store(const fs::path& root) {
  std::error_code none;
  for (const auto& store : kStores)
    if (fs::is_directory(root / fs::path(store.folder).relative_path(), none)) return &store;
  return nullptr;
}

}  // namespace

std::string authority_of(Connection& server) {
  http::Request request;
  request.target = "/_lambari/ca.pem";
  auto response = server.send(std::move(request));
  if (response.status != 200 || !response.body.starts_with("-----BEGIN CERTIFICATE-----"))
    throw CommandError(fmt::format("{} gave no certificate; is it lambari?", server.url()));
  return response.body;
}

std::string authority_in(const fs::path& data) {
  try {
    if (auto pem = trust::read_small_file(data / "tls" / "ca.pem")) return *pem;
  } catch (const trust::FileError& error) {
    throw CommandError(error.what());
  }
  throw CommandError(fmt::format("there is no authority in {} yet: lambari start makes one", data.string()));
}

int install_authority(const std::string& pem, const InstallPlace& place, Streams io) {
  const auto* store = find_store(place.root);
  if (store == nullptr)
    throw CommandError("no system store is known here; put the output of `lambari ca` where your system keeps what it trusts");
  const auto file = place.root / fs::path(store->folder).relative_path() / "lambari.crt";
  if (!place.allowed) {
    io.out << fmt::format(
        "This makes every program of this machine believe lambari when it says that it is AWS. Only root may do it:\n"
        "  lambari ca | sudo tee {} > /dev/null && sudo {}\n"
        "To undo it: sudo rm {} && sudo {}\n"
        "Without it, for one program: lambari run -- PROGRAM\n",
        file.string(), store->command, file.string(), store->undo);
    return kFailed;
  }
  try {
    trust::write_durably(file, pem, 0644);
  } catch (const trust::FileError& error) {
    throw CommandError(error.what());
  }
  if (int status = place.run(store->command); status != 0)
    throw CommandError(fmt::format("{} is there, but {} failed ({})", file.string(), store->command, status));
  io.out << fmt::format("Programs that use the system's store now trust this lambari.\nTo undo it: rm {} && {}\n", file.string(),
                        store->undo);
  return kDone;
}

int run_command(const std::string& url, const std::string& authority, const std::vector<std::string>& command,
                const Program& program) {
  if (command.empty()) throw CommandError("what should run? lambari run -- COMMAND [ARGUMENTS]", kUsage);
  auto files = prepare_surroundings(url, authority, program.environment);
  return program.become(command, surround(url, files, program.environment));
}

}  // namespace lambari::cli
