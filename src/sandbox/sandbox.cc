#include "sandbox/sandbox.h"

#include <boost/asio/io_context.hpp>
#include <deque>
#include <system_error>

#include "base/ids.h"
#include "base/log.h"
#include "dns/server.h"
#include "sandbox/companions.h"
#include "sandbox/environment.h"
#include "sandbox/exchange.h"
#include "sandbox/layers.h"
#include "sandbox/link.h"
#include "sandbox/names.h"
#include "sandbox/runtime_api.h"
#include "sandbox/runtimes.h"
#include "sandbox/slot_network.h"

namespace lambari::sandbox {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kSlotTime = 30s;  // an interpreter may have to be started first
constexpr auto kAssignTime = 10s;
constexpr auto kConnectTime = 1s;
constexpr auto kLeaveTime = 3s;  // more than extensions have
constexpr auto kRestartPause = 1s;
constexpr unsigned kMostPrimers = 3;  // kinds of one pack that are kept waiting; each machine holds about 40 MB
constexpr int kAttempts = 3;          // slots that were prepared may have died while they waited

fs::path find_executable() {
  std::error_code none;
  return fs::read_symlink("/proc/self/exe", none).parent_path() / "lambari-sandbox";
}

// Beside the executable when installed, in the source tree's cache when built there.
fs::path find_runtimes(const fs::path& executable) {
  std::error_code none;
  const auto folder = fs::weakly_canonical(executable, none).parent_path();
  if (auto installed = folder.parent_path() / "lib/lambari/runtimes"; fs::is_directory(installed, none)) return installed;
  for (auto at = folder; at.has_relative_path(); at = at.parent_path())
    if (auto cached = at / ".cache/runtimes"; fs::is_directory(cached, none)) return cached;
  return folder / "runtimes";
}

// The /opt of an image, as a layer. A link there means a place in the image, not here.
std::vector<fs::path> opt_of(const fs::path& root) {
  std::error_code none;
  for (const char* folder : {"opt", "opt/extensions"})
    if (fs::symlink_status(root / folder, none).type() != fs::file_type::directory) return {};
  return {root / "opt"};
}

class Core : public Upkeep, public std::enable_shared_from_this<Core> {
 public:
  Core(async::Loops& loops, http::Server& endpoint, Options options);

  void start();
  void stop();
  async::Task<std::unique_ptr<Environment>> create(FunctionSpec spec);
  void expect(const std::string& runtime, int memory_mb);
  void terminate(const Slot& slot) override;
  void leaving() override;
  void left() override;
  void ended(const std::string& id, const Slot& slot, bool killed, bool out_of_memory) override;
  async::Task<> settled();

  std::vector<Capability> capabilities() const { return capabilities_; }
  RuntimeInfo runtime(const std::string& asked) const {
    if (asked == kImageRuntime && options_.isolation == Isolation::process)
      return {asked, "", "container images need isolation, for their root is not the host's"};
    return choose_runtime(asked, packs_, options_.strict_runtimes);
  }
  SandboxCounters counters() const;

 private:
  std::shared_ptr<Link> link();
  Places places() const;
  Start start_of(const RuntimeInfo& info, const std::map<std::string, std::string>& environment, int memory_mb) const;
  std::shared_ptr<Slot> take(const Start& start);
  void fill(const Start& start);
  void give_way(const Start& start);
  async::Task<std::shared_ptr<Slot>> ready_slot(Start start);
  async::Task<std::vector<std::string>> layers_of(const FunctionSpec& spec);
  std::shared_ptr<Exchange> find(const std::string& listener) const;

  async::Loops& loops_;
  Options options_;
  Link::Program program_;
  std::vector<std::string> packs_;
  std::vector<Capability> capabilities_;
  bool overlay_ = false;
  std::unique_ptr<http::Server> runtime_server_;
  std::unique_ptr<dns::Server> names_;

  mutable std::mutex mutex_;
  http::Server* endpoint_;  // null when stopped
  std::shared_ptr<Link> link_;
  std::chrono::steady_clock::time_point started_;
  struct Waiting {
    std::deque<std::shared_ptr<Slot>> slots;
    std::uint64_t wanted = 0;  // when, counted in wants_
  };
  std::map<Start, Waiting> waiting_;
  std::uint64_t wants_ = 0;
  std::map<std::string, std::shared_ptr<Exchange>, std::less<>> exchanges_;
  SandboxCounters counters_;
  unsigned leaving_ = 0;  // of those alive
  async::Event left_;
};

std::string runtime_listener(const std::string& id) { return "runtime:" + id; }
std::string endpoint_listener(const std::string& id) { return "env:" + id; }

Core::Core(async::Loops& loops, http::Server& endpoint, Options options)
    : loops_(loops), options_(std::move(options)), endpoint_(&endpoint) {
  if (options_.executable.empty()) options_.executable = find_executable();
  if (options_.runtimes.empty()) options_.runtimes = find_runtimes(options_.executable);
}

void Core::start() {
  std::error_code none;
  if (!fs::exists(options_.executable, none))
    throw SandboxFailed(options_.executable.string() + " is missing; it is built together with lambari (scripts/build)");
  if (!options_.state_directory.empty()) {
    fs::remove_all(options_.state_directory, none);
    fs::create_directories(options_.state_directory);
  }
  packs_ = packs_in(options_.runtimes);

  auto& program = program_;
  program.executable = fs::absolute(options_.executable);
  program.library = program.executable.parent_path() / "liblambari-slot.so";
  program.runtimes = fs::absolute(options_.runtimes);
  program.isolated = options_.isolation == Isolation::full;
  program.endpoint_port = options_.endpoint_port;
  if (!options_.trusted.empty()) program.trusted = fs::absolute(options_.trusted);
  program.internet = options_.internet;
  Hello hello;
  auto link = Link::start(program, hello);
  if (!hello.problem.empty()) throw SandboxFailed("functions cannot be isolated on this host: " + hello.problem);
  capabilities_ = std::move(hello.capabilities);
  for (const auto& one : capabilities_) overlay_ |= one.name == "overlayfs" && one.available;
  Capability packs{"runtime packs", !packs_.empty(), fmt::format("{}", fmt::join(packs_, ", ")), ""};
  if (packs_.empty()) {
    packs.detail = "none in " + options_.runtimes.string();
    packs.remedy = "run scripts/build-runtimes";
  }
  capabilities_.push_back(std::move(packs));
  if (options_.isolation == Isolation::process)
    capabilities_.push_back({"isolation", false, "functions run as plain processes of this user and see the whole host",
                             "start without --isolation=process"});

  runtime_server_ =
      make_runtime_server(loops_, [weak = weak_from_this()](const std::string& listener) -> std::shared_ptr<Exchange> {
        auto self = weak.lock();
        return self ? self->find(listener) : nullptr;
      });
  names_ = std::make_unique<dns::Server>(loops_, answer_names(options_.is_endpoint_name, options_.resolve));
  loops_.spawn("sandbox", Link::receive(link, loops_.context(0)), loops_.executor(0));
  std::lock_guard lock(mutex_);
  link_ = std::move(link);
  started_ = std::chrono::steady_clock::now();
}

void Core::stop() {
  std::shared_ptr<Link> link;
  std::map<std::string, std::shared_ptr<Exchange>, std::less<>> exchanges;
  http::Server* endpoint;
  {
    std::lock_guard lock(mutex_);
    link.swap(link_);
    exchanges.swap(exchanges_);
    waiting_.clear();
    endpoint = std::exchange(endpoint_, nullptr);
  }
  for (const auto& [listener, exchange] : exchanges) {
    exchange->close();
    runtime_server_->close_listener(listener);
    names_->close_listener(endpoint_listener(listener.substr(listener.find(':') + 1)));
    if (endpoint) endpoint->close_listener(endpoint_listener(listener.substr(listener.find(':') + 1)));
  }
  runtime_server_.reset();
  link.reset();  // ends every process, and waits for that
}

// The line to the executable, which is started anew when it died; the environments it had are gone.
std::shared_ptr<Link> Core::link() {
  std::lock_guard lock(mutex_);
  if (!endpoint_) throw SandboxFailed("the sandbox is closed");
  if (link_ && link_->alive()) return link_;
  const auto now = std::chrono::steady_clock::now();
  if (now - started_ < kRestartPause) throw SandboxFailed("lambari-sandbox is gone; it will be started again");
  started_ = now;
  waiting_.clear();
  link_.reset();  // buries it: the next one removes what is left of a dead run
  Hello hello;
  auto fresh = Link::start(program_, hello);
  if (!hello.problem.empty()) throw SandboxFailed("functions cannot be isolated on this host: " + hello.problem);
  base::log_warn("lambari-sandbox started again", {});
  loops_.spawn("sandbox", Link::receive(fresh, loops_.context(0)), loops_.executor(0));
  link_ = std::move(fresh);
  return link_;
}

std::shared_ptr<Exchange> Core::find(const std::string& listener) const {
  std::lock_guard lock(mutex_);
  auto found = exchanges_.find(listener);
  return found == exchanges_.end() ? nullptr : found->second;
}

SandboxCounters Core::counters() const {
  std::lock_guard lock(mutex_);
  return counters_;
}

// As isolated functions see them.
Places Core::places() const {
  Places places;
  places.endpoint_port = options_.endpoint_port;
  if (!options_.trusted.empty()) {
    places.authorities = "/etc/ssl/certs/ca-certificates.crt";
    places.authority = "/etc/ssl/certs/lambari-ca.pem";
  }
  return places;
}

Start Core::start_of(const RuntimeInfo& info, const std::map<std::string, std::string>& environment, int memory_mb) const {
  if (options_.isolation == Isolation::process) return {info.actual, protocol::Mode::launch, ""};
  return choose_start(info.actual, environment, memory_mb, places());
}

// A slot that is ready, or will be first.
std::shared_ptr<Slot> Core::take(const Start& start) {
  {
    std::lock_guard lock(mutex_);
    auto& slots = waiting_[start].slots;
    std::erase_if(slots, [](const auto& slot) { return slot->gone().has_value(); });
    if (!slots.empty()) {
      auto best = std::find_if(slots.begin(), slots.end(), [](const auto& slot) { return slot->ready(); });
      if (best == slots.end()) best = slots.begin();
      auto slot = *best;
      slots.erase(best);
      ++counters_.reused_slots;
      return slot;
    }
  }
  return link()->prepare(start.pack, start.mode, start.primer);
}

// Not more than warm_slots even in a rush: slots being made take the processors from the functions that start.
void Core::fill(const Start& start) {
  give_way(start);
  auto line = link();
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (waiting_[start].slots.size() >= options_.warm_slots) return;
    }
    auto slot = line->prepare(start.pack, start.mode, start.primer);
    std::lock_guard lock(mutex_);
    waiting_[start].slots.push_back(std::move(slot));
  }
}

// Kinds of slots of one pack differ in the heaps of the machines that wait in them, and functions come in any size.
void Core::give_way(const Start& start) {
  std::deque<std::shared_ptr<Slot>> dropped;
  std::shared_ptr<Link> line;
  {
    std::lock_guard lock(mutex_);
    waiting_[start].wanted = ++wants_;
    auto oldest = waiting_.end();
    unsigned kinds = 0;
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      if (it->first.pack != start.pack || it->first.primer.empty()) continue;
      ++kinds;
      if (oldest == waiting_.end() || it->second.wanted < oldest->second.wanted) oldest = it;
    }
    if (kinds <= kMostPrimers) return;
    dropped.swap(oldest->second.slots);
    waiting_.erase(oldest);
    line = link_;
  }
  if (line)
    for (const auto& slot : dropped) line->kill(*slot);
}

void Core::expect(const std::string& asked, int memory_mb) {
  auto info = runtime(asked);
  if (!info.actual.empty()) fill(start_of(info, {}, memory_mb));
}

async::Task<std::shared_ptr<Slot>> Core::ready_slot(Start start) {
  std::string problem;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto slot = take(start);
    const auto deadline = std::chrono::steady_clock::now() + kSlotTime;
    while (!slot->ready() && !slot->gone() && std::chrono::steady_clock::now() < deadline) co_await slot->until_ready(1s);
    if (slot->ready() && !slot->gone()) co_return slot;
    auto gone = slot->gone();
    problem = gone ? gone->problem : "it took too long";
    if (!gone) link()->kill(*slot);
  }
  throw SandboxFailed("an execution environment could not be made: " + problem);
}

async::Task<std::vector<std::string>> Core::layers_of(const FunctionSpec& spec) {
  std::vector<std::string> folders;
  for (const auto& layer : spec.layers) folders.push_back(fs::absolute(layer).string());
  const bool stacked = overlay_ && options_.isolation == Isolation::full;
  if (folders.size() < 2 || stacked) co_return folders;
  const auto cache = options_.state_directory / "layers";
  const auto layers = spec.layers;
  fs::path merged;
  co_await loops_.block([&] { merged = merge_layers(cache, layers); });
  co_return std::vector<std::string>{fs::absolute(merged).string()};
}

async::Task<std::unique_ptr<Environment>> Core::create(FunctionSpec spec) {
  const auto info = runtime(spec.runtime);
  if (info.actual.empty()) throw UnknownRuntime(spec.runtime + ": " + info.detail);
  const auto family = family_of(info.actual);
  const auto layers = co_await layers_of(spec);
  auto external = external_extensions(spec.image ? opt_of(spec.code) : spec.layers);
  auto start = start_of(info, spec.environment, spec.memory_mb);
  if (!external.empty()) start = {start.pack, protocol::Mode::launch, ""};  // they come first, and then the runtime
  auto slot = co_await ready_slot(start);

  auto places = this->places();
  places.runtime_port = slot->parts().runtime_port;
  places.endpoint_port = slot->parts().endpoint_port;
  if (options_.isolation == Isolation::process) {
    const auto pack = fs::absolute(options_.runtimes / info.actual).string();
    places.task = fs::absolute(spec.code).string();
    places.layers = layers.empty() ? "/nonexistent" : layers.front();
    places.runtime = pack + "/runtime";
    places.language = pack + "/lang";
    if (!options_.trusted.empty()) {
      places.authorities = fs::absolute(options_.trusted / "bundle.pem").string();
      places.authority = fs::absolute(options_.trusted / "ca.pem").string();
    }
  }
  if (places.layers != "/opt")
    for (auto& program : external) program.replace(0, 4, places.layers);
  const auto all = spec.image ? image_variables(spec, places) : variables(spec, family, info.actual, places);
  auto words = command(family, all, spec.memory_mb, places);
  if (spec.image) {
    places.task = spec.image->folder.empty() ? "/" : spec.image->folder;
    words = spec.image->entry_point;
    words.insert(words.end(), spec.image->command.begin(), spec.image->command.end());
  }
  if (words.empty() && options_.isolation == Isolation::process) words = {places.task + "/bootstrap"};

  const auto id = base::random_text(24, base::kLowerAlphanumeric);
  const auto code = fs::absolute(spec.code).string();
  const auto memory = spec.memory_mb, tmp = spec.tmp_mb;
  const bool whole = spec.image.has_value();
  // On the loop of the call that needs it: their conversation then wakes no other thread.
  auto& context = loops_.context(loops_.here());
  auto network = std::make_shared<SlotNetwork>(context, std::move(slot->parts().network));
  auto telemetry = std::make_shared<Telemetry>(
      context, [network](std::uint16_t port) { return SlotNetwork::connect(network, port, kConnectTime); });
  auto exchange = std::make_shared<Exchange>(external, std::move(telemetry), spec.extension_news);
  http::Server* endpoint;
  {
    std::lock_guard lock(mutex_);
    if (!endpoint_) throw SandboxFailed("the sandbox is closed");
    exchanges_[runtime_listener(id)] = exchange;
    endpoint = endpoint_;
    ++counters_.started;
    ++counters_.alive;
  }
  auto output = std::make_shared<Output>(context, std::move(slot->parts().output));
  std::shared_ptr<Companions> companions;
  if (!external.empty()) {
    companions = std::make_shared<Companions>(context, std::move(slot->parts().launch), exchange->shared_extensions());
    loops_.spawn("extensions", Companions::receive(companions), context.get_executor());
  }
  Parts parts_of;
  parts_of.id = id;
  parts_of.launch_message = assignment(places.task, words, all, external);
  parts_of.slot = slot;
  parts_of.exchange = std::move(exchange);
  parts_of.output = output;
  parts_of.companions = std::move(companions);
  parts_of.upkeep = shared_from_this();
  parts_of.context = &context;
  auto environment = make_environment(std::move(spec), std::move(parts_of));
  loops_.spawn("function output", Output::watch(output), context.get_executor());
  runtime_server_->adopt(slot->parts().runtime.release(), runtime_listener(id));
  endpoint->adopt(slot->parts().endpoint.release(), endpoint_listener(id));

  link()->assign(*slot, memory, tmp, code, whole, layers);
  // While that is done.
  auto& parts = slot->parts();
  for (auto* listener : {&parts.https, &parts.http})
    if (*listener) endpoint->adopt(listener->release(), endpoint_listener(id));
  if (parts.names_udp) names_->adopt(parts.names_udp.release(), parts.names_tcp.release(), endpoint_listener(id));
  const bool in_time = co_await slot->until_assigned(kAssignTime);
  auto assigned = slot->assigned();
  if (!in_time || !assigned || !assigned->empty()) {
    auto gone = slot->gone();
    throw SandboxFailed("an execution environment could not be given its code: " + (assigned ? *assigned
                                                                                    : gone   ? gone->problem
                                                                                             : std::string("it took too long")));
  }
  try {
    fill(start);                    // only now: the executable does one thing after another
  } catch (const SandboxFailed&) {  // the next one will say it
  }
  co_return environment;
}

void Core::terminate(const Slot& slot) {
  std::shared_ptr<Link> link;
  {
    std::lock_guard lock(mutex_);
    link = link_;
  }
  if (link) link->terminate(slot);
}

void Core::leaving() {
  std::lock_guard lock(mutex_);
  ++leaving_;
}

void Core::left() {
  {
    std::lock_guard lock(mutex_);
    --leaving_;
  }
  left_.notify_all();
}

async::Task<> Core::settled() {
  for (;;) {
    const auto ticket = left_.ticket();
    {
      std::lock_guard lock(mutex_);
      if (leaving_ == 0) co_return;
    }
    if (!co_await left_.wait(ticket, kLeaveTime)) co_return;
  }
}

void Core::ended(const std::string& id, const Slot& slot, bool killed, bool out_of_memory) {
  std::shared_ptr<Link> link;
  http::Server* endpoint;
  {
    std::lock_guard lock(mutex_);
    exchanges_.erase(runtime_listener(id));
    --counters_.alive;
    counters_.killed += killed;
    counters_.out_of_memory += out_of_memory;
    link = link_;
    endpoint = endpoint_;
  }
  if (link) link->kill(slot);
  if (endpoint) {
    runtime_server_->close_listener(runtime_listener(id));
    endpoint->close_listener(endpoint_listener(id));
    names_->close_listener(endpoint_listener(id));
  }
}

class House : public Sandbox {
 public:
  explicit House(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~House() override { core_->stop(); }

  async::Task<std::unique_ptr<Environment>> create(FunctionSpec spec) override { return core_->create(std::move(spec)); }
  void expect(const std::string& runtime, int memory_mb) override {
    try {
      core_->expect(runtime, memory_mb);
    } catch (const SandboxFailed& error) {
      base::log_warn("sandbox", {{"error", error.what()}});
    }
  }
  async::Task<> settled() override { return core_->settled(); }
  std::vector<Capability> capabilities() const override { return core_->capabilities(); }
  RuntimeInfo runtime(const std::string& asked) const override { return core_->runtime(asked); }
  std::vector<std::string> known_runtimes() const override { return runtime_names(); }
  SandboxCounters counters() const override { return core_->counters(); }

 private:
  const std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<Sandbox> Sandbox::start(async::Loops& loops, http::Server& endpoint, Options options) {
  auto core = std::make_shared<Core>(loops, endpoint, std::move(options));
  core->start();
  return std::make_unique<House>(std::move(core));
}

}  // namespace lambari::sandbox
