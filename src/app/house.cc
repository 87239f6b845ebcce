#include "app/house.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <thread>

#include "app/house_parts.h"
#include "base/log.h"
#include "cli/run_file.h"
#include "dns/forward.h"
#include "trust/files.h"
#include "trust/names.h"

namespace lambari::app {
namespace {

constexpr std::chrono::milliseconds kGrace{20'000};  // for requests that run when the end is asked for

// Threads that wait most of the time need no heap each.
void settle_allocator() { mallopt(M_ARENA_MAX, 4); }

unsigned loop_count(const Settings& settings) {
  return settings.threads > 0 ? settings.threads : std::clamp(std::thread::hardware_concurrency(), 1u, 8u);
}

std::string host_in_url(const std::string& address) {
  if (address == "0.0.0.0" || address == "::") return "127.0.0.1";
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

std::unique_ptr<HeldAddress> take_address(const Settings& settings) {
  try {
    return std::make_unique<HeldAddress>(settings.address, settings.port);
  } catch (const std::system_error& error) {
    auto other = settings.memory_store ? std::nullopt : cli::read_run_file(settings.data);
    if (error.code() == std::errc::address_in_use && other)
      throw StartError(fmt::format("lambari already runs at {} (pid {}) with this data directory; see: lambari status",
                                   other->url, other->pid));
    if (error.code() == std::errc::address_in_use)
      throw StartError(
          fmt::format("{}:{} is in use; stop what listens there, or take another --port", settings.address, settings.port));
    throw StartError(fmt::format("cannot listen at {}:{}: {}", settings.address, settings.port, error.code().message()));
  }
}

// "localhost" is ::1 first for many clients; some never try the other address.
std::unique_ptr<HeldAddress> take_second_address(const Settings& settings, std::uint16_t port) {
  if (settings.address != "127.0.0.1") return nullptr;
  try {
    return std::make_unique<HeldAddress>("::1", port);
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::address_in_use)
      base::log_warn("[::1] is in use by another program; clients of localhost may meet that one",
                     {{"port", std::to_string(port)}});
    return nullptr;  // a machine without IPv6
  }
}

std::unique_ptr<store::Store> open_store(const Settings& settings, const std::filesystem::path& directory) {
  if (settings.memory_store) return store::open_memory();
  try {
    return store::open_rocks(directory / "store");
  } catch (const store::DirectoryBusy& busy) {
    throw StartError(fmt::format("{} is held by another lambari{}; stop it (lambari stop), or take another --data",
                                 directory.string(), busy.holder > 0 ? fmt::format(" (pid {})", busy.holder) : ""));
  } catch (const store::NewerFormat& newer) {
    throw StartError(fmt::format("{} was written by a newer lambari; nothing was changed. Use that version, or another --data",
                                 directory.string()));
  } catch (const std::exception& error) {
    throw StartError(fmt::format("cannot open {}: {}", directory.string(), error.what()));
  }
}

std::unique_ptr<trust::Authority> open_authority(const std::filesystem::path& directory) {
  try {
    return std::make_unique<trust::Authority>(directory / "tls");
  } catch (const trust::AuthorityError& error) {
    throw StartError(error.what());
  }
}

trust::Files write_trusted(const std::filesystem::path& directory, const std::string& ours) {
  try {
    return trust::write_files(directory / "tls", trust::system_authorities(), ours);
  } catch (const trust::FileError& error) {
    throw StartError(error.what());
  }
}

// AWS's host names are this server for lambari's own calls too (integrations, subscriptions): nothing that was meant for it
// leaves.
http::ClientOptions client_options(const Settings& settings, const trust::Authority& authority, std::uint16_t port) {
  http::ClientOptions options;
  options.authorities = authority.pem();
  const auto address = settings.address == "0.0.0.0" || settings.address == "::" ? "127.0.0.1" : settings.address;
  options.find = [address, port](const std::string& host) {
    return trust::is_aws_name(host) ? http::Place{address, port} : http::Place();
  };
  return options;
}

std::unique_ptr<sandbox::Sandbox> start_sandbox(async::Loops& loops, http::Server& server, sandbox::Options options) {
  try {
    return sandbox::Sandbox::start(loops, server, std::move(options));
  } catch (const sandbox::SandboxFailed& failed) {
    throw StartError(fmt::format("{}\nOr run functions without isolation: --isolation process", failed.what()));
  }
}

}  // namespace

sandbox::Options sandbox_options(const Settings& settings, const std::filesystem::path& directory, std::uint16_t port) {
  sandbox::Options options;
  options.isolation = settings.process_isolation ? sandbox::Isolation::process : sandbox::Isolation::full;
  options.internet = settings.internet == "nat"     ? sandbox::Internet::nat
                     : settings.internet == "pasta" ? sandbox::Internet::pasta
                                                    : sandbox::Internet::none;
  if (options.internet != sandbox::Internet::none) options.resolve = dns::forward_to_host();
  options.strict_runtimes = settings.strict_runtimes;
  options.state_directory = directory / "sandbox";
  options.endpoint_port = port;
  options.is_endpoint_name = trust::is_served_name;
  std::error_code none;
  if (std::filesystem::exists(directory / "tls" / "bundle.pem", none)) options.trusted = directory / "tls";
  return options;
}

House::Parts::Parts(Settings chosen, std::string version)
    : settings(std::move(chosen)),
      version(std::move(version)),
      held(take_address(settings)),
      port(held->port()),
      held_beside(take_second_address(settings, port)),
      directory(settings.memory_store ? Directory::temporary("memory") : Directory(settings.data)),
      authority_(open_authority(directory.path())),
      trusted(write_trusted(directory.path(), authority_->pem())),
      loops(loop_count(settings)),
      store(open_store(settings, directory.path())),
      book(loops, clock, *store, meter),
      function_blobs(loops, directory.path() / "blobs" / "lambda"),
      message_blobs(loops, directory.path() / "blobs" / "sqs"),
      client(loops, client_options(settings, *authority_, port)),
      server(loops, public_handler(), http::Limits{}, body_limit()),
      inner(loops, handler(), http::Limits{.connections = http::modest_connections()}, body_limit()),
      sandbox(start_sandbox(loops, inner, sandbox_options(settings, directory.path(), port))),
      iam({.clock = clock, .store = *store}),
      logs({.loops = loops, .clock = clock, .store = *store}),
      sqs({.loops = loops,
           .clock = clock,
           .store = *store,
           .blobs = message_blobs,
           .authorizer = authorizer(),
           .meter = meter,
           .throttling = !settings.unthrottled}),
      dynamodb({.loops = loops, .clock = clock, .store = *store, .authorizer = authorizer(), .meter = meter}),
      lambda({.loops = loops,
              .clock = clock,
              .store = *store,
              .blobs = function_blobs,
              .sandbox = sandbox.get(),
              .credentials = iam,
              .logs = logs,
              .meter = meter,
              .authorizer = authorizer(),
              .directory = directory.path() / "code",
              .images = settings.images.empty() ? directory.path() / "images" : settings.images,
              .targets = &targets,
              .queues = &sqs,
              .streams = &dynamodb.stream_source()},
             {.account_concurrency = settings.concurrency, .verify_signatures = !settings.open_auth}),
      apigateway({.loops = loops,
                  .clock = clock,
                  .store = *store,
                  .client = client,
                  .invoker = lambda,
                  .logs = logs,
                  .meter = meter,
                  .public_port = port}),
      execute_api(apigateway),
      lambda_url(lambda),
      sns({.loops = loops,
           .clock = clock,
           .store = *store,
           .client = client,
           .targets = targets,
           .authorizer = authorizer(),
           .credentials = iam,
           .logs = logs,
           .meter = meter,
           .public_url = fmt::format("http://localhost:{}", port)}),
      sns_links(sns),
      // The one list of services, in order of start: a room comes after those it uses.
      services{
          {&iam.sts_api(), nullptr},
          {&iam.iam_api(), &iam},
          {&logs, &logs},
          {&sqs, &sqs},
          {&dynamodb, &dynamodb},
          {&dynamodb.streams_api(), nullptr},
          {&lambda, &lambda},
          {&apigateway, &apigateway},
          {&sns, &sns},
      },
      router(apis()) {
  targets.add("lambda", lambda);
  targets.add("sqs", sqs);
  targets.add("sns", sns);
  auto tls = std::make_shared<const http::ServerTls>(
      [this](const std::string& name, const std::string& address) { return authority_->identity_for(name, address); });
  server.speak_tls(tls);
  server.be_proxy([rules = proxy_rules()](const std::string& host, std::uint16_t port) { return onward(rules, host, port); });
  inner.speak_tls(tls);
  chain = std::make_unique<front::Chain>(
      front::Dependencies{.router = router,
                          .doors = {{"execute-api", &execute_api}, {"lambda-url", &lambda_url}, {"sns-links", &sns_links}},
                          .credentials = iam,
                          .authorizer = authorizer(),
                          .clock = clock,
                          .backstage = *this,
                          .auth = settings.open_auth ? front::Auth::open : front::Auth::strict,
                          .default_region = settings.region,
                          .explain = explain});
}

House::Parts::~Parts() {
  // Coroutines that still wait must end before what they refer to.
  loops.stop();
  if (directory.stays()) cli::remove_run_file(directory.path());
}

http::Handler House::Parts::handler() {
  return [this](http::Request request) { return chain->serve(std::move(request)); };
}

http::Handler House::Parts::public_handler() {
  return [this, rules = proxy_rules()](http::Request request) {
    if (request.absolute && is_for_another(rules, request)) return pass_on(rules, client, std::move(request));
    return chain->serve(std::move(request));
  };
}

std::function<std::size_t(const http::Request&)> House::Parts::body_limit() {
  return [this](const http::Request& head) { return chain->body_limit(head); };
}

contracts::Authorizer& House::Parts::authorizer() {
  if (settings.open_auth) return open_authorizer;
  return iam;
}

std::vector<wire::Service*> House::Parts::apis() const {
  std::vector<wire::Service*> all;
  for (const auto& service : services) all.push_back(service.api);
  return all;
}

async::Task<> House::Parts::start_rooms() {
  co_await book.open();
  for (const auto& service : services)
    if (service.room != nullptr) co_await service.room->start();
}

async::Task<> House::Parts::stop_rooms() {
  for (auto service = services.rbegin(); service != services.rend(); ++service) {
    if (service->room == nullptr) continue;
    try {
      co_await service->room->stop();
    } catch (const std::exception& error) {
      base::log_error("a room did not stop cleanly", {{"room", std::string(service->room->name())}, {"error", error.what()}});
    }
  }
  try {
    co_await book.close();
  } catch (const std::exception& error) {
    base::log_error("what was counted is not written", {{"error", error.what()}});
  }
}

House::House(Settings settings, std::string version) {
  settle_allocator();
  parts_ = std::make_unique<Parts>(std::move(settings), std::move(version));
  auto& parts = *parts_;
  try {
    parts.loops.run(parts.start_rooms());
  } catch (const std::exception& error) {
    throw StartError(fmt::format("cannot read {}: {}", parts.directory.path().string(), error.what()));
  }
  try {
    for (auto* held : {&parts.held, &parts.held_beside}) {
      if (*held) parts.server.listen((*held)->address(), parts.port);
      held->reset();
    }
  } catch (const std::system_error& error) {
    throw StartError(fmt::format("cannot listen at {}:{}: {}", parts.settings.address, parts.port, error.code().message()));
  }
  if (parts.directory.stays()) cli::write_run_file(parts.directory.path(), {getpid(), url()});
}

House::~House() = default;

std::string House::url() const { return fmt::format("http://{}:{}", host_in_url(parts_->settings.address), parts_->port); }

std::string House::summary() const {
  return fmt::format("{}, isolation {}",
                     parts_->settings.memory_store ? "in memory" : "data " + parts_->directory.path().string(),
                     parts_->settings.process_isolation ? "process" : "full");
}

std::vector<std::string> House::warnings() const {
  const auto& settings = parts_->settings;
  std::vector<std::string> all;
  if (settings.open_auth) all.push_back("auth = open: no signature is verified and every call is allowed");
  if (settings.process_isolation)
    all.push_back("isolation = process: functions run as you, without namespaces; run only code you trust");
  if (settings.address == "0.0.0.0" || settings.address == "::")
    all.push_back("other machines can reach this server; the key test/test is root of account 000000000000");
  for (const auto& capability : parts_->sandbox->capabilities())
    if (!capability.available)
      all.push_back(
          fmt::format("{}: {}{}", capability.name, capability.detail, capability.remedy.empty() ? "" : "; " + capability.remedy));
  return all;
}

void House::wait() { parts_->ending.wait(); }

void House::close() {
  auto& parts = *parts_;
  for (const auto& service : parts.services)
    if (service.room != nullptr) service.room->wind_down();
  parts.loops.run(parts.server.drain(kGrace));
  parts.loops.run(parts.stop_rooms());
  parts.loops.run(parts.inner.drain(std::chrono::milliseconds(0)));
}

std::string probe(const Settings& settings) {
  base::json::object findings;
  auto directory = Directory::temporary("doctor");
  {
    async::Loops loops(1, 1);
    http::Server server(loops, no_requests);
    auto options = sandbox_options(settings, directory.path(), 4566);
    std::unique_ptr<sandbox::Sandbox> sandbox;
    try {
      sandbox = sandbox::Sandbox::start(loops, server, options);
    } catch (const sandbox::SandboxFailed& failed) {
      findings["problem"] = failed.what();
      options.isolation = sandbox::Isolation::process;
      try {
        sandbox = sandbox::Sandbox::start(loops, server, options);
      } catch (const sandbox::SandboxFailed&) {  // the first message says it
      }
    }
    if (sandbox) describe(*sandbox, findings);
    sandbox.reset();
    loops.stop();
  }
  return base::to_json(findings);
}

}  // namespace lambari::app
