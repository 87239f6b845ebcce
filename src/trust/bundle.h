// What clients are given to trust: the system's authorities and lambari's, in the forms that they read.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lambari::trust {

// The authorities this machine trusts, as PEM; empty when none is found. `preferred` is a file to take instead (the user's own
// SSL_CERT_FILE), where it is one that can be read.
std::string system_authorities(const std::filesystem::path& preferred = {});

// `authorities` and then `ours`, both PEM, once.
std::string bundle(std::string_view authorities, std::string_view ours);

// All certificates of a PEM text as a Java key store (format JKS, which every version reads; password "changeit", that of Java's
// own). Java has no other way to be told by a flag.
std::string java_truststore(std::string_view pem);

// ca.pem beside bundle.pem and truststore.jks. Files that are as they should be are left alone.
struct Files {
  std::filesystem::path authority, bundle, java;
};
// Throws FileError.
Files write_files(const std::filesystem::path& folder, std::string_view authorities, std::string_view ours);

}  // namespace lambari::trust
