#include "services/lambda/image.h"

#include <archive_entry.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "services/lambda/archives.h"

namespace lambari::lambda {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;
using Kind = ImageFault::Kind;
using Piece = std::function<void(std::string_view)>;

std::optional<std::string> sha256_of(std::string_view digest) {
  constexpr std::string_view kPrefix = "sha256:";
  if (!digest.starts_with(kPrefix)) return std::nullopt;
  digest.remove_prefix(kPrefix.size());
  if (digest.size() != 64 || digest.find_first_not_of("0123456789abcdef") != digest.npos) return std::nullopt;
  return std::string(digest);
}

// The files of an OCI layout, wherever they lie.
class Layout {
 public:
  virtual ~Layout() = default;
  // Gives the bytes in pieces; false when there is no such file.
  virtual bool read(const std::string& path, const Piece& piece) const = 0;

  std::optional<std::string> document(const std::string& path, std::size_t most) const {
    std::string bytes;
    const bool there = read(path, [&](std::string_view piece) {
      bytes += piece;
      if (bytes.size() > most) throw ImageFault(Kind::invalid, path + " is too large");
    });
    return there ? std::optional(std::move(bytes)) : std::nullopt;
  }
};

class Folder final : public Layout {
 public:
  explicit Folder(fs::path at) : at_(std::move(at)) {}
  bool read(const std::string& path, const Piece& piece) const override {
    std::error_code none;
    if (!fs::is_regular_file(at_ / path, none)) return false;
    std::ifstream in(at_ / path, std::ios::binary);
    if (!in) return false;
    std::string buffer(1 << 18, '\0');
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), in.gcount() > 0)
      piece({buffer.data(), static_cast<std::size_t>(in.gcount())});
    return true;
  }

 private:
  fs::path at_;
};

// A tar of a layout. What is not wanted is passed over without being read.
class Tar final : public Layout {
 public:
  explicit Tar(fs::path at) : at_(std::move(at)) {}
  bool read(const std::string& path, const Piece& piece) const override {
    const Archive in(archive_read_new());
    if (!in || archive_read_support_format_tar(in.get()) != ARCHIVE_OK ||
        archive_read_open_filename(in.get(), at_.c_str(), 1 << 18) != ARCHIVE_OK)
      throw ImageFault(Kind::invalid, "not a tar");
    archive_entry* entry = nullptr;
    for (int left = kMaxEntries; left > 0; --left) {
      const int status = archive_read_next_header(in.get(), &entry);
      if (status == ARCHIVE_EOF) return false;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) throw ImageFault(Kind::invalid, "a damaged tar");
      std::string_view name = archive_entry_pathname(entry) ? archive_entry_pathname(entry) : "";
      if (name.starts_with("./")) name.remove_prefix(2);
      if (name != path || archive_entry_filetype(entry) != AE_IFREG) continue;
      std::string buffer(1 << 18, '\0');
      for (;;) {
        const auto got = archive_read_data(in.get(), buffer.data(), buffer.size());
        if (got < 0) throw ImageFault(Kind::invalid, "a damaged tar");
        if (got == 0) return true;
        piece({buffer.data(), static_cast<std::size_t>(got)});
      }
    }
    throw ImageFault(Kind::invalid, "a tar of too many files");
  }

 private:
  static constexpr int kMaxEntries = 10'000;
  fs::path at_;
};

std::unique_ptr<Layout> open_layout(const fs::path& place) {
  std::error_code none;
  if (fs::is_directory(place, none)) return std::make_unique<Folder>(place);
  return std::make_unique<Tar>(place);
}

std::string blob_path(const std::string& sha256) { return "blobs/sha256/" + sha256; }

json::object parse(const std::string& bytes, const char* what) {
  auto value = base::parse_json(bytes);
  if (!value || !value->is_object()) throw ImageFault(Kind::invalid, std::string(what) + " is not a JSON object");
  return std::move(value->as_object());
}

std::string text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::vector<std::string> texts(const json::object& object, std::string_view name) {
  std::vector<std::string> all;
  if (const auto* value = object.if_contains(name); value && value->is_array())
    for (const auto& each : value->as_array())
      if (each.is_string()) all.emplace_back(each.as_string());
  return all;
}

const json::object* member(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_object() ? &value->as_object() : nullptr;
}

bool is_manifest(std::string_view type) {
  return type == "application/vnd.oci.image.manifest.v1+json" || type == "application/vnd.docker.distribution.manifest.v2+json";
}
bool is_configuration(std::string_view type) {
  return type == "application/vnd.oci.image.config.v1+json" || type == "application/vnd.docker.container.image.v1+json";
}
bool is_layer(std::string_view type) {
  return type == "application/vnd.oci.image.layer.v1.tar" || type == "application/vnd.oci.image.layer.v1.tar+gzip" ||
         type == "application/vnd.oci.image.layer.v1.tar+zstd" || type == "application/vnd.docker.image.rootfs.diff.tar.gzip";
}

// What a descriptor points to. https://github.com/opencontainers/image-spec/blob/main/descriptor.md
std::string target(const json::object& descriptor, bool (*known)(std::string_view)) {
  if (!known(text(descriptor, "mediaType"))) throw ImageFault(Kind::unsupported, "media type " + text(descriptor, "mediaType"));
  auto digest = sha256_of(text(descriptor, "digest"));
  if (!digest) throw ImageFault(Kind::invalid, "a digest that is not SHA-256");
  return *digest;
}

// The manifest that a tag or a digest means. A layout of a single image without a name is that image by any tag. A digest needs
// no entry in the index, as an image in ECR needs no tag.
std::string manifest_of(const Layout& layout, const json::object& index, const ImageName& name, const ImageLimits& limits) {
  if (!name.digest.empty()) {
    const auto digest = *sha256_of(name.digest);
    if (!layout.document(blob_path(digest), limits.document)) throw ImageFault(Kind::missing, "no such digest");
    return digest;
  }
  const auto* all = index.if_contains("manifests");
  if (!all || !all->is_array()) throw ImageFault(Kind::invalid, "an index without manifests");
  for (const auto& each : all->as_array()) {
    if (!each.is_object()) continue;
    const auto& descriptor = each.as_object();
    const auto* notes = member(descriptor, "annotations");
    const auto called = notes ? text(*notes, "org.opencontainers.image.ref.name") : std::string();
    if (called == name.tag || called == name.resource() + ":" + name.tag || (called.empty() && all->as_array().size() == 1))
      return target(descriptor, is_manifest);
  }
  throw ImageFault(Kind::missing, "no such tag");
}

void read_configuration(const json::object& document, const ImageLimits& limits, Image& image) {
  if (const auto system = text(document, "os"); !system.empty() && system != "linux")
    throw ImageFault(Kind::unsupported, "an image for " + system);
  const auto* config = member(document, "config");
  if (!config) return;
  image.entry_point = texts(*config, "Entrypoint");
  image.command = texts(*config, "Cmd");
  image.folder = text(*config, "WorkingDir");
  std::size_t words = image.folder.size();
  for (const auto* list : {&image.entry_point, &image.command})
    for (const auto& word : *list) words += word.size() + 1;
  for (const auto& variable : texts(*config, "Env")) {
    const auto [key, value] = base::cut(variable, '=');
    words += variable.size();
    if (!key.empty()) image.environment[std::string(key)] = value;
  }
  if (words > limits.words) throw ImageFault(Kind::invalid, "more arguments and variables than a process takes");
}

std::string checked(const Layout& layout, const std::string& sha256, std::size_t most) {
  auto bytes = layout.document(blob_path(sha256), most);
  if (!bytes) throw ImageFault(Kind::invalid, "a blob is missing");
  if (base::hex(base::sha256(*bytes)) != sha256) throw ImageFault(Kind::invalid, "a blob is not what its digest says");
  return std::move(*bytes);
}

bool all_of(std::string_view part, std::string_view also) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || also.find(c) != also.npos;
  });
}

}  // namespace

std::optional<ImageName> parse_image_uri(std::string_view uri) {
  ImageName name;
  const auto slash = uri.find('/');
  if (uri.size() > 1'024 || slash == uri.npos) return std::nullopt;
  name.registry = uri.substr(0, slash);
  // {account}.dkr.ecr.{region}.amazonaws.com
  const auto parts = base::split(name.registry, '.');
  if (parts.size() < 6 || parts.size() > 7 || parts[0].size() != 12 ||
      parts[0].find_first_not_of("0123456789") != std::string_view::npos || parts[1] != "dkr" || parts[2] != "ecr" ||
      parts[4] != "amazonaws" || parts[5] != "com")
    return std::nullopt;
  auto rest = uri.substr(slash + 1);
  if (const auto at = rest.find('@'); at != rest.npos) {
    if (!sha256_of(rest.substr(at + 1))) return std::nullopt;
    name.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  const auto colon = rest.find(':');
  name.repository = rest.substr(0, colon);
  name.tag = colon == rest.npos ? "latest" : rest.substr(colon + 1);
  if (name.tag.size() > 128 || !all_of(name.tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-")) return std::nullopt;
  for (const auto part : base::split(name.repository, '/'))
    if (!all_of(part, "._-") || part.front() == '.') return std::nullopt;
  return name;
}

FoundImage find_image(const fs::path& folder, const ImageName& name, const ImageLimits& limits) {
  FoundImage found;
  std::error_code none;
  found.place = folder / name.repository;
  if (!fs::exists(found.place / "index.json", none)) found.place = folder / (name.repository + ".tar");
  if (!fs::exists(found.place, none)) throw ImageFault(Kind::missing, "nothing at " + (folder / name.repository).string());
  const auto layout = open_layout(found.place);
  const auto index = layout->document("index.json", limits.document);
  if (!index)
    throw ImageFault(Kind::invalid, layout->document("manifest.json", limits.document)
                                        ? "not an OCI layout but an archive of docker save before version 25; skopeo copy "
                                          "docker-archive:FILE oci:FOLDER makes one of it"
                                        : "not an OCI layout: it has no index.json");

  auto& code = found.code;
  code.zip = manifest_of(*layout, parse(*index, "index.json"), name, limits);
  found.manifest = checked(*layout, code.zip, limits.document);
  const auto manifest = parse(found.manifest, "a manifest");
  if (const auto type = text(manifest, "mediaType"); !type.empty() && !is_manifest(type))
    throw ImageFault(Kind::unsupported, "media type " + type);
  auto& image = code.image.emplace();
  image.repository = name.resource();
  const auto* configuration = member(manifest, "config");
  const auto* layers = manifest.if_contains("layers");
  if (!configuration || !layers || !layers->is_array())
    throw ImageFault(Kind::unsupported, "a manifest without config or layers");
  if (layers->as_array().size() > limits.layers) throw ImageFault(Kind::invalid, "too many layers");
  image.parts.push_back(target(*configuration, is_configuration));
  for (const auto& layer : layers->as_array()) {
    if (!layer.is_object()) throw ImageFault(Kind::invalid, "a layer that is no descriptor");
    image.parts.push_back(target(layer.as_object(), is_layer));
  }
  read_configuration(parse(checked(*layout, image.parts[0], limits.document), "a configuration"), limits, image);
  return found;
}

void copy_image(const FoundImage& found, blobs::Blobs& blobs) {
  const auto layout = open_layout(found.place);
  for (const auto& part : found.code.image->parts) {
    if (blobs.keep(part)) continue;  // of a common base, or of this image before
    const auto body = blobs.begin();
    if (!layout->read(blob_path(part), [&](std::string_view piece) { body->add(piece); }))
      throw ImageFault(Kind::invalid, "a blob is missing");
    if (!body->finish(part)) throw ImageFault(Kind::invalid, "a blob is not what its digest says");
  }
  const auto manifest = blobs.begin();
  manifest->add(found.manifest);
  if (!manifest->finish(found.code.zip)) throw ImageFault(Kind::invalid, "the manifest is not what its digest says");
}

}  // namespace lambari::lambda
