#include "http/tls.h"

#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <thread>

#include "async/gate.h"
#include "http/raw_socket.h"
#include "http/server.h"

namespace lambari::http {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A certificate that vouches for itself.
std::shared_ptr<const Identity> self_signed(const std::string& name) {
  Identity identity;
  identity.key.reset(EVP_EC_gen("P-256"), EVP_PKEY_free);
  identity.certificate.reset(X509_new(), X509_free);
  auto* x = identity.certificate.get();
  X509_set_version(x, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(x), -60);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, identity.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()),
                             -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509_sign(x, identity.key.get(), EVP_sha256());
  return std::make_shared<const Identity>(std::move(identity));
}

// A blocking TLS client that trusts anybody.
class TlsClient {
 public:
  struct Options {
    std::string name, alpn;
    int version = 0;
    SSL_SESSION* session = nullptr;
    int receive_buffer = 0;
    std::string through;  // the proxy is asked for this first
  };

  explicit TlsClient(std::uint16_t port) : TlsClient(port, Options()) {}
  TlsClient(std::uint16_t port, const Options& options) : socket_(port, options.receive_buffer) {
    if (!options.through.empty())
      socket_.ask("CONNECT " + options.through + " HTTP/1.1\r\nHost: " + options.through + "\r\n\r\n", "\r\n\r\n");
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (options.version) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), options.version);
      SSL_CTX_set_max_proto_version(context_.get(), options.version);
    }
    ssl_.reset(SSL_new(context_.get()));
    if (!options.name.empty()) SSL_set_tlsext_host_name(ssl_.get(), options.name.c_str());
    if (!options.alpn.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(options.alpn.data()),
                          static_cast<unsigned>(options.alpn.size()));
    if (options.session) SSL_set_session(ssl_.get(), options.session);
    SSL_set_fd(ssl_.get(), socket_.descriptor());
    connected_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }

  bool connected() const { return connected_; }
  SSL* ssl() const { return ssl_.get(); }
  RawSocket& socket() { return socket_; }
  bool send(std::string_view bytes) { return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0; }
  // Until `end`, or the peer's end.
  std::string read_until(std::string_view end) {
    std::string got;
    char buffer[16384];
    while (end.empty() || !got.ends_with(end)) {
      int size = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (size <= 0) {
        said_goodbye_ = SSL_get_error(ssl_.get(), size) == SSL_ERROR_ZERO_RETURN;
        break;
      }
      got.append(buffer, static_cast<std::size_t>(size));
    }
    ERR_clear_error();
    return got;
  }
  bool said_goodbye() const { return said_goodbye_; }
  std::string ask(std::string_view request, std::string_view end) { return send(request) ? read_until(end) : ""; }
  std::string subject() const {
    std::unique_ptr<X509, void (*)(X509*)> peer(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    char name[256] = "";
    if (peer) X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name, sizeof name);
    return name;
  }

 private:
  RawSocket socket_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  bool connected_ = false;
  bool said_goodbye_ = false;
};

class TlsTest : public testing::Test {
 protected:
  void start(Limits limits = {}) {
    server_ = std::make_unique<Server>(loops_, [this](Request request) { return handle(std::move(request)); }, limits);
    server_->speak_tls(std::make_shared<ServerTls>([this](const std::string& name, const std::string& address) {
      ++asked_;
      return name == "refused.test" ? nullptr : self_signed(name.empty() ? address : name);
    }));
    server_->be_proxy([](const std::string& host, std::uint16_t port) -> Onward {
      if (host.ends_with(".ours.test")) return {.way = Onward::Way::serve};
      if (host == "127.0.0.1") return {.way = Onward::Way::tunnel};
      return {.reason = "not " + host + " at " + std::to_string(port)};
    });
    port_ = server_->listen("127.0.0.1", 0);
  }

  async::Task<Response> handle(Request request) {
    Response response;
    if (request.path() == "/big")
      response.body.assign(8 * 1024 * 1024, 'b');
    else if (request.path() == "/slow")
      co_await async::sleep_for(50ms);
    if (response.body.empty())
      response.body = request.method + (request.secure ? " secure " : " plain ") + std::to_string(request.body.size()) + "!";
    co_return response;
  }

  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 5000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }

  async::Loops loops_{2};
  std::atomic<int> asked_ = 0;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(TlsTest, OnePortSpeaksBoth) {
  start();
  EXPECT_THAT(RawSocket(port_).ask(kGet, "!"), EndsWith("GET plain 0!"));
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(port_, {.name = "Sqs.Example.TEST", .version = version});
    ASSERT_TRUE(client.connected()) << version;
    EXPECT_EQ(client.subject(), "sqs.example.test");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(client.ask(kGet, "!"), EndsWith("GET secure 0!"));
  }
  EXPECT_THAT(TlsClient(port_, {.version = TLS1_1_VERSION}).connected(), false);
  EXPECT_THAT(RawSocket(port_).ask(kGet, "!"), EndsWith("GET plain 0!"));
}

TEST_F(TlsTest, AClientThatNamesNobodyGetsTheAddressItCameTo) {
  start();
  EXPECT_EQ(TlsClient(port_).subject(), "127.0.0.1");
  EXPECT_EQ(TlsClient(port_, {.name = "bad name/"}).subject(), "127.0.0.1");
}

TEST_F(TlsTest, ANameThatHasNoIdentityIsRefused) {
  start();
  EXPECT_FALSE(TlsClient(port_, {.name = "refused.test"}).connected());
  EXPECT_TRUE(eventually([&] { return server_->counters().handshakes_failed == 1; }));
  EXPECT_TRUE(TlsClient(port_).connected());
  EXPECT_TRUE(eventually([&] { return server_->counters().handshakes == 1; }));
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
}

TEST_F(TlsTest, AgreesOnHttp11OrNothing) {
  start();
  TlsClient both(port_, {.alpn = std::string("\x02h2\x08http/1.1")});
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(both.ssl(), &chosen, &size);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(chosen), size), "http/1.1");
  EXPECT_FALSE(TlsClient(port_, {.alpn = std::string("\x02h2")}).connected());
}

TEST_F(TlsTest, LargeBodiesPassBothWays) {
  start();
  TlsClient client(port_);
  std::string body(3 * 1024 * 1024 + 7, 'x');
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n"));
  ASSERT_TRUE(client.send(body));
  EXPECT_THAT(client.read_until("!"), EndsWith("POST secure " + std::to_string(body.size()) + "!"));
  auto big = client.ask("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "");
  EXPECT_EQ(big.size() - big.find("\r\n\r\n") - 4, 8u * 1024 * 1024);
  EXPECT_TRUE(client.said_goodbye());
}

TEST_F(TlsTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  TlsClient client(port_);
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += i % 67 == 0 ? "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" : kGet;
  auto sends = std::thread([&] { client.send(requests + "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); });
  sends.join();
  auto answers = client.read_until("");
  std::size_t count = 0;
  for (auto at = answers.find("GET secure 0!"); at != std::string::npos; at = answers.find("GET secure 0!", at + 1)) ++count;
  EXPECT_EQ(count, 201u);
}

TEST_F(TlsTest, ASlowReaderGetsEverything) {
  start();
  TlsClient client(port_, {.receive_buffer = 4096});
  ASSERT_TRUE(client.send("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  std::this_thread::sleep_for(50ms);
  EXPECT_GT(client.read_until("").size(), 8u * 1024 * 1024);
}

TEST_F(TlsTest, AHandshakeThatDoesNotComeToAnEndIsCutOff) {
  start({.header_time = 100ms, .idle = 60'000ms});
  RawSocket socket(port_);
  ASSERT_TRUE(socket.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6)));
  EXPECT_EQ(socket.read_all(), "");
  EXPECT_TRUE(socket.closed());
}

TEST_F(TlsTest, AnIdleConnectionEndsWithAGoodbye) {
  start({.header_time = 60'000ms, .idle = 150ms});
  TlsClient client(port_);
  // Buffers grow, are given back while it is idle, and grow again.
  const std::string body(100'000, 'x');
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + body));
    EXPECT_THAT(client.read_until("!"), EndsWith("POST secure 100000!"));
  }
  EXPECT_EQ(client.read_until(""), "");
  EXPECT_TRUE(client.said_goodbye());
}

TEST_F(TlsTest, NoiseIsAnsweredWithAnAlertAndTheEnd) {
  start();
  RawSocket socket(port_);
  ASSERT_TRUE(socket.send(std::string("\x16\x03\x01\x00\x05hello") + std::string(100, 'z')));
  auto said = socket.read_all();
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said[0], 0x15);  // an alert
  EXPECT_TRUE(socket.closed());
}

TEST_F(TlsTest, RenegotiationIsRefused) {
  start();
  TlsClient client(port_, {.version = TLS1_2_VERSION});
  ASSERT_TRUE(client.connected());
  SSL_renegotiate(client.ssl());
  EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
  ERR_clear_error();
}

TEST_F(TlsTest, SessionsAreResumed) {
  start();
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient first(port_, {.name = "a.test", .version = version});
    ASSERT_THAT(first.ask(kGet, "!"), EndsWith("secure 0!"));
    std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> session(SSL_get1_session(first.ssl()), SSL_SESSION_free);
    TlsClient second(port_, {.name = "a.test", .version = version, .session = session.get()});
    ASSERT_THAT(second.ask(kGet, "!"), EndsWith("secure 0!"));
    EXPECT_EQ(SSL_session_reused(second.ssl()), 1) << version;
  }
}

TEST_F(TlsTest, WithoutTlsAHandshakeIsABadRequest) {
  Server plain(loops_, [this](Request request) { return handle(std::move(request)); });
  EXPECT_THAT(RawSocket(plain.listen("127.0.0.1", 0)).ask("\x16\x03\x01\x02\x02", ""), StartsWith("HTTP/1.1 400 "));
}

TEST_F(TlsTest, ADrainLetsTheLastAnswerOut) {
  start();
  TlsClient client(port_);
  ASSERT_TRUE(client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
  std::this_thread::sleep_for(10ms);
  loops_.run(server_->drain(5s));
  auto answer = client.read_until("");
  EXPECT_THAT(answer, HasSubstr("GET secure 0!"));
}

TEST_F(TlsTest, AsAProxyItStandsInForHosts) {
  start();
  TlsClient client(port_, {.name = "a.ours.test", .through = "a.ours.test:443"});
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.subject(), "a.ours.test");
  for (int i = 0; i < 2; ++i) EXPECT_THAT(client.ask(kGet, "!"), EndsWith("GET secure 0!"));
  RawSocket plain(port_);
  EXPECT_THAT(plain.ask("CONNECT a.ours.test:80 HTTP/1.1\r\nHost: a.ours.test:80\r\n\r\n", "\r\n\r\n"),
              StartsWith("HTTP/1.1 200 Connection Established\r\n\r\n"));
  EXPECT_THAT(plain.ask(kGet, "!"), EndsWith("GET plain 0!"));
}

TEST_F(TlsTest, AsAProxyItTakesWhatComesAlongWithTheConnect) {
  start();
  RawSocket plain(port_);
  EXPECT_THAT(plain.ask("CONNECT a.ours.test:80 HTTP/1.1\r\nHost: a.ours.test:80\r\n\r\n" + std::string(kGet), "!"),
              EndsWith("GET plain 0!"));
  RawSocket noise(port_);  // a handshake that is none: an alert comes behind the answer
  auto said =
      noise.ask("CONNECT a.ours.test:443 HTTP/1.1\r\nHost: a.ours.test\r\n\r\n\x16\x03\x01" + std::string("\0\x05hello", 7), "");
  EXPECT_THAT(said, StartsWith("HTTP/1.1 200 Connection Established\r\n\r\n\x15"));
}

TEST_F(TlsTest, AsAProxyItLeadsOn) {
  start();
  Server other(loops_, [](Request request) -> async::Task<Response> {
    Response response;
    response.body = "other " + request.body + "!";
    co_return response;
  });
  const auto there = "127.0.0.1:" + std::to_string(other.listen("127.0.0.1", 0));
  RawSocket socket(port_);
  EXPECT_THAT(socket.ask("CONNECT " + there + " HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\n", "\r\n\r\n"),
              EndsWith("Established\r\n\r\n"));
  EXPECT_THAT(socket.ask("Content-Length: 2\r\n\r\nab", "!"), EndsWith("other ab!"));
  std::string large(2 * 1024 * 1024, 'x');
  auto answer = socket.ask(
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n" + large,
      "");
  EXPECT_THAT(answer, EndsWith("x!"));
  EXPECT_GT(answer.size(), large.size());
  socket.close();
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
  EXPECT_THAT(RawSocket(port_).ask("CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n", ""), StartsWith("HTTP/1.1 502 "));
}

TEST_F(TlsTest, AsAProxyItRefusesTheRest) {
  start();
  auto said = RawSocket(port_).ask("CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", "");
  EXPECT_THAT(said, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(said, EndsWith("not example.com at 443"));
  for (const char* bad : {"example.com", "example.com:0", "example.com:70000", ":443"})
    EXPECT_THAT(RawSocket(port_).ask("CONNECT " + std::string(bad) + " HTTP/1.1\r\nHost: x\r\n\r\n", ""),
                StartsWith("HTTP/1.1 403 "))
        << bad;
  TlsClient inside(port_);
  EXPECT_THAT(inside.ask("CONNECT a.ours.test:443 HTTP/1.1\r\nHost: x\r\n\r\n", ""), StartsWith("HTTP/1.1 403 "));
}

TEST_F(TlsTest, ATunnelEndsWithTheServer) {
  start();
  Server other(loops_, [](Request) -> async::Task<Response> { co_return Response(); });
  const auto there = "127.0.0.1:" + std::to_string(other.listen("127.0.0.1", 0));
  RawSocket socket(port_);
  ASSERT_THAT(socket.ask("CONNECT " + there + " HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"), HasSubstr("200"));
  server_.reset();
  EXPECT_EQ(socket.read_all(), "");
  EXPECT_TRUE(socket.closed());
}

}  // namespace
}  // namespace lambari::http
