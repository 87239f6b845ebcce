// Container images: found in a folder of this host by the URI that AWS has for them, checked against their digests, kept as
// blobs, and unpacked as the root of an execution environment. An image comes from a stranger, so all about it is bounded.
// https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
// https://github.com/opencontainers/image-spec (image-layout.md, layer.md)
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "blobs/blobs.h"
#include "services/lambda/model.h"

namespace lambari::lambda {

struct ImageLimits {
  std::uint64_t unpacked = 10'737'418'240;  // bytes, all layers together
  std::uint64_t entries = 500'000;          // files, folders and links of all layers
  std::size_t layers = 127;
  std::size_t document = 1 << 20;  // bytes of an index, a manifest or a configuration
  std::size_t words = 64 << 10;    // bytes of what the configuration gives the process: variables and arguments
  std::size_t path = 4'095, parts = 128;
};

// "{registry}/{repository}:{tag}" or "...@sha256:{hex}"; without either the tag is "latest". Nothing: not a URI of an image in
// ECR.
struct ImageName {
  std::string registry, repository, tag, digest;
  std::string resource() const { return registry + "/" + repository; }
};
std::optional<ImageName> parse_image_uri(std::string_view uri);

struct ImageFault : std::runtime_error {
  enum class Kind { missing, unsupported, invalid };
  ImageFault(Kind kind, const std::string& detail) : std::runtime_error(detail), kind(kind) {}
  Kind kind;
};

// An image in `folder`: {repository}/ is an OCI layout, or {repository}.tar is one. Blocks. Throws ImageFault.
struct FoundImage {
  std::filesystem::path place;
  std::string manifest;  // its bytes
  Code code;
};
FoundImage find_image(const std::filesystem::path& folder, const ImageName& name, const ImageLimits& limits = {});

// Writes its manifest, configuration and layers as blobs, whose names are their digests. Blocks. Throws ImageFault.
void copy_image(const FoundImage& found, blobs::Blobs& blobs);

// Writes the layers, one over the other, into `directory`, which exists and is empty; the places that an environment mounts its
// own parts on are folders and files then. Blocks. Throws ImageFault, std::system_error.
void unpack_image(const Image& image, const blobs::Blobs& blobs, const std::filesystem::path& directory,
                  const ImageLimits& limits = {});

}  // namespace lambari::lambda
