// What a process needs around it so that AWS is lambari for it, whatever its SDK and its age: variables, and files they name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "trust/bundle.h"

namespace lambari::cli {

// Files for one server, told from others' by what is in them.
struct Surroundings {
  trust::Files trusted;
  std::filesystem::path node;  // what Node.js loads first: its HTTP clients know no proxy
};

// Makes the files in the user's cache directory, or finds them there. `authority` is the server's certificate. Throws
// CommandError.
Surroundings prepare_surroundings(const std::string& url, const std::string& authority, const Values& environment);

// The user's environment with what is needed added. What AWS tools take instead of the endpoint or the keys goes; what the user
// set about certificates is kept by being in the bundle.
Values surround(const std::string& url, const Surroundings& files, Values environment);

// The lines that differ, as shell commands in order of name: "export A='b'", "unset C".
std::vector<std::string> exports(const Values& before, const Values& after);

// The script Surroundings::node holds: connections to AWS's hosts go to the server at `url`; names and certificates stay as they
// are.
std::string node_script(const std::string& url);

}  // namespace lambari::cli
