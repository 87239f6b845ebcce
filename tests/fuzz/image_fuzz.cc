// Container images: any bytes as an archive of a layout, as its index, manifest or configuration, and as a layer to unpack. The
// first byte says which.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include "async/loops.h"
#include "base/bytes.h"
#include "services/lambda/image.h"

namespace {

namespace fs = std::filesystem;
using namespace lambari;

constexpr std::string_view kDescriptor = R"({"mediaType":"application/vnd.oci.image.)";

class Bench {
 public:
  Bench() { fs::create_directories(layout() / "blobs/sha256"); }
  ~Bench() { fs::remove_all(at_); }

  void try_archive(std::string_view bytes) {
    write(at_ / "images/archive.tar", bytes);
    find("archive");
  }
  void try_index(std::string_view index) {
    blob("{}");
    write(layout() / "index.json", index);
    find("layout");
  }
  void try_manifest(std::string_view manifest) {
    blob(kConfiguration);
    try_index(R"({"manifests":[)" + descriptor("manifest.v1+json", blob(manifest)) + "]}");
  }
  void try_configuration(std::string_view configuration) {
    try_manifest(R"({"config":)" + descriptor("config.v1+json", blob(configuration)) + R"(,"layers":[]})");
  }
  void try_layer(std::string_view bytes) {
    const auto hash = base::hex(base::sha256(bytes));
    auto body = blobs_.begin();
    body->add(bytes);
    if (!body->finish(hash)) std::abort();
    lambda::Image image;
    image.parts = {"", hash, hash};
    const auto root = at_ / "root";
    fs::create_directories(root);
    write(at_ / "outside", "as it was");
    try {
      lambda::unpack_image(image, blobs_, root, limits_);
    } catch (const lambda::ImageFault&) {
    } catch (const std::system_error&) {
    }
    const auto entries = std::distance(fs::recursive_directory_iterator(root), fs::recursive_directory_iterator());
    if (static_cast<std::uint64_t>(entries) > limits_.entries * limits_.parts) std::abort();
    std::ifstream outside(at_ / "outside");
    if (std::string(std::istreambuf_iterator<char>(outside), {}) != "as it was") std::abort();
    fs::remove_all(root);
    fs::remove(blobs_.path(hash));
  }

 private:
  static constexpr std::string_view kConfiguration = R"({"config":{"Entrypoint":["/bootstrap"]}})";

  fs::path layout() const { return at_ / "images/layout"; }
  static void write(const fs::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::string blob(std::string_view bytes) {
    auto hash = base::hex(base::sha256(bytes));
    write(layout() / "blobs/sha256" / hash, bytes);
    return hash;
  }
  static std::string descriptor(std::string_view type, const std::string& hash) {
    return std::string(kDescriptor).append(type).append(R"(","digest":"sha256:)").append(hash).append("\"}");
  }
  void find(const char* repository) {
    lambda::ImageName name;
    name.registry = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
    name.repository = repository;
    name.tag = "latest";
    try {
      const auto found = lambda::find_image(at_ / "images", name, limits_);
      if (found.manifest.size() > limits_.document || found.code.image->parts.size() > limits_.layers + 1) std::abort();
    } catch (const lambda::ImageFault&) {
    }
    for (const auto& entry : fs::directory_iterator(layout() / "blobs/sha256")) fs::remove(entry);
  }

  const lambda::ImageLimits limits_{.unpacked = 1 << 20, .entries = 100, .layers = 8, .document = 1 << 16};
  const fs::path at_ = fs::path("/dev/shm") / ("lambari-image-fuzz-" + std::to_string(::getpid()));
  async::Loops loops_{1};
  blobs::Blobs blobs_{loops_, at_ / "blobs"};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0: bench.try_archive(bytes); break;
    case 1: bench.try_index(bytes); break;
    case 2: bench.try_manifest(bytes); break;
    case 3: bench.try_configuration(bytes); break;
    default: bench.try_layer(bytes); break;
  }
  return 0;
}
