// Telemetry on its way: connections into slots, what is kept and for whom, and functions that listen to themselves.
#include "sandbox/telemetry.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "async/run.h"
#include "sandbox/protocol.h"
#include "sandbox/sandbox_fixture.h"
#include "sandbox/slot_network.h"

namespace lambari::sandbox {
namespace {

std::pair<Descriptor, Descriptor> pair_of(int type) {
  int both[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) != 0) throw std::runtime_error("socketpair");
  return {Descriptor(both[0]), Descriptor(both[1])};
}

std::string received(const Descriptor& socket) {
  std::string all(64 * 1024, '\0');
  const auto size = recv(socket.get(), all.data(), all.size(), 0);
  all.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return all;
}

void answer(const Descriptor& line, protocol::ConnectTell told, int with) {
  iovec data{&told, sizeof told};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof with)];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (with >= 0) {
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    auto* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof with);
    memcpy(CMSG_DATA(head), &with, sizeof with);
  }
  ASSERT_EQ(sendmsg(line.get(), &message, 0), static_cast<ssize_t>(sizeof told));
}

// -- SlotNetwork

class Slots : public testing::Test {
 protected:
  // What connect() gives when the init's answers are these, in this order, each with one of the descriptors.
  Descriptor connect_with(const std::vector<std::pair<protocol::ConnectTell, int>>& answers,
                          std::chrono::milliseconds time = 5s) {
    auto [ours, init] = pair_of(SOCK_SEQPACKET);
    auto network = std::make_shared<SlotNetwork>(loops_.context(0), std::move(ours));
    for (const auto& [told, with] : answers) answer(init, told, with);
    auto made = async::run(loops_, SlotNetwork::connect(network, 4243, time));
    const auto asked = received(init);
    protocol::ConnectAsk ask{};
    EXPECT_EQ(asked.size(), sizeof ask);
    memcpy(&ask, asked.data(), std::min(asked.size(), sizeof ask));
    EXPECT_EQ(ask.number, 1U);
    EXPECT_EQ(ask.port, 4243U);
    return made;
  }
  async::Loops loops_{1};
  Descriptor tcp_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

TEST_F(Slots, GiveConnections) {
  EXPECT_TRUE(connect_with({{{1, 0}, tcp_.get()}}));
  EXPECT_TRUE(connect_with({{{0, 0}, tcp_.get()}, {{1, 0}, tcp_.get()}}));  // the first was for somebody who did not wait
}

TEST_F(Slots, AreNotBelieved) {
  auto [one, other] = pair_of(SOCK_STREAM);
  const Descriptor datagrams(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), file(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int wrong : {one.get(), datagrams.get(), file.get(), -1}) EXPECT_FALSE(connect_with({{{1, 0}, wrong}})) << wrong;
  EXPECT_FALSE(connect_with({{{2, 0}, tcp_.get()}}));
  EXPECT_FALSE(connect_with({{{1, ECONNREFUSED}, -1}}));
  EXPECT_FALSE(connect_with({{{1, ECONNREFUSED}, tcp_.get()}}));
  EXPECT_FALSE(connect_with({}, 20ms));
}

TEST_F(Slots, ThatAreGoneGiveNothing) {
  auto [ours, init] = pair_of(SOCK_SEQPACKET);
  init.reset();
  auto network = std::make_shared<SlotNetwork>(loops_.context(0), std::move(ours));
  EXPECT_FALSE(async::run(loops_, SlotNetwork::connect(network, 1, 5s)));
}

// -- Telemetry

struct Hearing {
  explicit Hearing(async::Loops& loops) {
    auto [ours, theirs] = pair_of(SOCK_STREAM);
    listener = std::move(ours);
    telemetry = std::make_shared<Telemetry>(
        loops.context(0), [count = connections, end = std::make_shared<Descriptor>(std::move(theirs))](std::uint16_t) {
          ++*count;
          return copy_of(end);
        });
  }
  static async::Task<Descriptor> copy_of(std::shared_ptr<Descriptor> end) {
    co_return Descriptor(fcntl(end->get(), F_DUPFD_CLOEXEC, 0));
  }
  void record(const char* type) { telemetry->record(Telemetry::Source::platform, type, base::json::object()); }
  bool hears(const std::string& word) {
    for (int i = 0; i < 500 && heard.find(word) == std::string::npos; ++i, std::this_thread::sleep_for(10ms))
      heard += received(listener);
    return heard.find(word) != std::string::npos;
  }
  static Subscription wants() {
    Subscription wants;
    wants.platform = wants.tcp = true;
    wants.timeout = 25ms;
    return wants;
  }
  Descriptor listener;
  std::shared_ptr<Telemetry> telemetry;
  const std::shared_ptr<std::atomic<int>> connections = std::make_shared<std::atomic<int>>(0);
  std::string heard;
};

TEST(TelemetryOfAFunction, IsKeptUntilTheStartIsOver) {
  async::Loops loops(1);
  Hearing one(loops);
  one.record("platform.initStart");
  EXPECT_TRUE(one.telemetry->subscribe("inside", Hearing::wants()));
  one.telemetry->close_subscriptions();
  EXPECT_FALSE(one.telemetry->subscribe("late", Hearing::wants()));
  EXPECT_TRUE(one.telemetry->heard());
  one.record("platform.start");
  EXPECT_TRUE(one.hears("platform.start"));
  EXPECT_LT(one.heard.find("platform.initStart"), one.heard.find("platform.telemetrySubscription"));
  one.telemetry->close();
  EXPECT_FALSE(one.telemetry->heard());

  Hearing nobody(loops);
  nobody.record("platform.initStart");
  EXPECT_TRUE(nobody.telemetry->heard());
  nobody.telemetry->close_subscriptions();
  EXPECT_FALSE(nobody.telemetry->heard());
  EXPECT_FALSE(nobody.telemetry->subscribe("late", Hearing::wants()));
  loops.stop();
}

TEST(TelemetryOfAFunction, HasLinesOfJsonAsTheSchemaSays) {
  async::Loops loops(1);
  for (const bool structured : {true, false}) {
    Hearing one(loops);
    const std::string line = R"({"level":"INFO"})";
    one.telemetry->record_line(Telemetry::Source::function, line, true);  // kept
    auto wants = Hearing::wants();
    wants.function = true;
    wants.structured = structured;
    EXPECT_TRUE(one.telemetry->subscribe("inside", wants));
    one.telemetry->record_line(Telemetry::Source::function, line, true);
    one.telemetry->record_line(Telemetry::Source::function, line, false);
    one.telemetry->record_line(Telemetry::Source::function, "[1]", true);
    EXPECT_TRUE(one.hears(R"("record":"[1]")"));
    std::size_t documents = 0, texts = 0;
    for (auto at = one.heard.find("level"); at != std::string::npos; at = one.heard.find("level", at + 1))
      ++(one.heard[at - 2] == '\\' ? texts : documents);
    EXPECT_EQ(documents, structured ? 2U : 0U) << one.heard;
    EXPECT_EQ(texts, structured ? 1U : 3U) << one.heard;
    one.telemetry->close();
  }
  loops.stop();
}

TEST(TelemetryOfAFunction, WaitsWhileItIsFrozen) {
  async::Loops loops(1);
  Hearing one(loops);
  EXPECT_TRUE(one.telemetry->subscribe("inside", Hearing::wants()));
  EXPECT_TRUE(one.hears("platform.telemetrySubscription"));
  one.telemetry->hold(true);
  const int before = *one.connections;
  one.record("platform.report");
  one.telemetry->flush();
  std::this_thread::sleep_for(100ms);  // four times its patience
  EXPECT_EQ(*one.connections, before);
  one.telemetry->hold(false);
  EXPECT_TRUE(one.hears("platform.report"));
  one.telemetry->close();
  loops.stop();
}

// -- functions with extensions inside

constexpr const char* kInside = R"py(
import http.server, json, os, socketserver, threading, urllib.error, urllib.request
api = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API']
events = []
def call(method, path, body=None, **headers):
  try:
    with urllib.request.urlopen(urllib.request.Request(api + path, method=method, data=body, headers=headers)) as answer:
      return answer.headers, answer.read().decode()
  except urllib.error.HTTPError as error: return error.headers, error.read().decode()
class Posts(http.server.BaseHTTPRequestHandler):
  def do_POST(self):
    events.extend(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
    self.send_response(200); self.end_headers()
  def log_message(self, *_): pass
class Lines(socketserver.StreamRequestHandler):
  def handle(self): events.extend(json.loads(line) for line in self.rfile)
tcp, logs = os.environ['TELEMETRY_PROTOCOL'] == 'TCP', os.environ['TELEMETRY_PROTOCOL'] == 'logs'
port = int(os.environ['TELEMETRY_PORT'])
server = socketserver.ThreadingTCPServer(('127.0.0.1', port), Lines) if tcp else http.server.HTTPServer(('sandbox.localdomain', port), Posts)
threading.Thread(target=server.serve_forever, daemon=True).start()
headers, body = call('POST', '/2020-01-01/extension/register', json.dumps({'events': ['INVOKE']}).encode(), **{'Lambda-Extension-Name': 'inside'})
id = {'Lambda-Extension-Identifier': headers['Lambda-Extension-Identifier']}
def subscribe():
  to = {'protocol': 'TCP', 'port': port} if tcp else {'protocol': 'HTTP', 'URI': f'http://sandbox.localdomain:{port}'}
  wants = {'schemaVersion': '2020-08-15' if logs else '2022-12-13', 'types': ['platform', 'function'], 'destination': to, 'buffering': {'timeoutMs': 25}}
  return call('PUT', '/2020-08-15/logs' if logs else '/2022-07-01/telemetry', json.dumps(wants).encode(), **id)[1]
subscribed = subscribe()
def loop():
  while True: call('GET', '/2020-01-01/extension/event/next', **id)
threading.Thread(target=loop, daemon=True).start()
print('starting')
def handler(event, context):
  print('at work')
  return {'subscribed': subscribed, 'late': subscribe(), 'events': events}
)py";

class Inside : public SandboxTest, public testing::WithParamInterface<const char*> {};

TEST_P(Inside, AnExtensionHearsOfItsFunction) {
  // What listens at the same port of the host's loopback hears nothing.
  const Descriptor outside(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(outside.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(outside.get(), 1), 0);
  ASSERT_EQ(getsockname(outside.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);

  Folder code;
  code.add("app.py", kInside);
  auto spec = python(code);
  spec.environment["TELEMETRY_PORT"] = std::to_string(ntohs(address.sin_port));
  spec.environment["TELEMETRY_PROTOCOL"] = GetParam();
  if (std::string(GetParam()) == "TCP") spec.environment["PYTHONHASHSEED"] = "1";  // no fork of a zygote
  auto environment = create(spec);
  std::string heard;
  EXPECT_TRUE(eventually([&] {
    const auto result = invoke(*environment);
    heard = result.outcome.payload;
    return result.outcome.kind != Kind::success || heard.find("platform.report") != std::string::npos;
  }));
  const bool logs = std::string(GetParam()) == "logs";
  EXPECT_THAT(heard, HasSubstr(R"("subscribed": "\"OK\"")"));
  EXPECT_THAT(heard, HasSubstr(logs ? "Logs.SubscriptionClosed" : "Telemetry.SubscriptionClosed"));
  for (const char* type : {"platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.extension",
                           "platform.start", "platform.runtimeDone", "platform.report"})
    EXPECT_THAT(heard, HasSubstr(type));
  for (const char* line : {"starting", "at work"})
    EXPECT_THAT(heard, HasSubstr(std::string(R"("type": "function", "record": ")") + line + '"'));
  EXPECT_LT(accept(outside.get(), nullptr, nullptr), 0);
}

INSTANTIATE_TEST_SUITE_P(Telemetry, Inside, testing::Values("HTTP", "TCP", "logs"));

}  // namespace
}  // namespace lambari::sandbox
