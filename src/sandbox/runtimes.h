// Which runtime pack serves which of Lambda's runtime names, and how a function of it is started. Pure.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sandbox/protocol.h"
#include "sandbox/sandbox.h"

namespace lambari::sandbox {

std::vector<std::string> runtime_names();

// The packs that scripts/build-runtimes left in a folder: "python3.11", "nodejs20.x".
std::vector<std::string> packs_in(const std::filesystem::path& folder);

// A minor version that is missing is replaced by the nearest newer one, else by the newest older one; `strict` refuses that.
// Java is never replaced by an older one: classes compiled for a newer Java do not load there.
RuntimeInfo choose_runtime(const std::string& asked, const std::vector<std::string>& packs, bool strict);

enum class Family { python, node, java, custom };
Family family_of(const std::string& runtime);

// How a slot must be prepared for a function.
struct Start {
  std::string pack;  // "provided" for custom runtimes
  protocol::Mode mode = protocol::Mode::launch;
  std::string primer;  // the launch message of an interpreter that starts before its function is known; empty: none does
  bool operator<(const Start& other) const {
    return std::tie(pack, mode, primer) < std::tie(other.pack, other.mode, other.primer);
  }
};

// The part of a function's variables that its extensions see. https://docs.aws.amazon.com/lambda/latest/dg/lambda-extensions.html
std::map<std::string, std::string> extension_variables(std::map<std::string, std::string> variables);

// Where things are as the function sees them.
struct Places {
  std::string task = "/var/task";
  std::string layers = "/opt";
  std::string runtime = "/var/runtime";
  std::string language = "/var/lang";
  std::string authorities, authority;  // PEM files: whom to trust, and lambari's own; empty when it has none
  std::uint16_t runtime_port = 9001;
  std::uint16_t endpoint_port = 4566;
};

// An interpreter that was started ahead of need has read some variables already, and Java how much memory it may use; a function
// that sets one of those variables is started anew.
Start choose_start(const std::string& actual, const std::map<std::string, std::string>& environment, int memory_mb,
                   const Places& places);

// The whole environment: the function's, and what the sandbox knows. Reserved names win over the function's, others do not.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
std::map<std::string, std::string> variables(const FunctionSpec& spec, Family family, const std::string& actual,
                                             const Places& places);

// The same for a container image: it brings its own, and nothing is set that names a place in it.
std::map<std::string, std::string> image_variables(const FunctionSpec& spec, const Places& places);

// What is executed when no interpreter waits; empty: the function's own bootstrap.
std::vector<std::string> command(Family family, const std::map<std::string, std::string>& variables, int memory_mb,
                                 const Places& places);

// The launch message that starts a function. Throws SandboxFailed when it is larger than the other side takes or a part contains
// NUL.
std::string assignment(const std::string& folder, const std::vector<std::string>& arguments,
                       const std::map<std::string, std::string>& variables, const std::vector<std::string>& extensions = {});

}  // namespace lambari::sandbox
