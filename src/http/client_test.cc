#include "http/client.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "http/response_parser.h"
#include "http/server.h"

namespace lambari::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = ClientError::Kind;

TEST(ResponseParser, ReadsEveryFraming) {
  struct Case {
    std::string bytes, body;
    int status;
    bool head_only = false, needs_end = false, keep_alive = true;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc", "abc", 200},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nT: u\r\n\r\n", "abcd", 200},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "",
       404},
      {"HTTP/1.1 204 No Content\r\n\r\n", "", 204},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "", 304},
      {"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", "", 200, true},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", 200, false, true, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200, false, false, false},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "x", 200, false, false, false},
  };
  for (auto& each : cases) {
    for (std::size_t step : {1, 2, 5, 1000}) {
      ResponseParser parser(1000, each.head_only);
      std::string window;
      for (std::size_t at = 0; at < each.bytes.size(); at += step) {
        window += each.bytes.substr(at, step);
        window.erase(0, parser.feed(window));
      }
      if (each.needs_end) {
        EXPECT_EQ(parser.state(), ResponseParser::State::reading);
        parser.feed_end();
      }
      ASSERT_EQ(parser.state(), ResponseParser::State::done) << each.bytes;
      EXPECT_EQ(window, "");
      EXPECT_EQ(parser.response().status, each.status);
      EXPECT_EQ(parser.response().body, each.body);
      EXPECT_EQ(parser.keep_alive(), each.keep_alive) << each.bytes;
    }
  }
}

TEST(ResponseParser, RefusesNonsense) {
  using State = ResponseParser::State;
  auto after = [](const std::string& bytes, bool end = false) {
    ResponseParser parser(10, false);
    parser.feed(bytes);
    if (end) parser.feed_end();
    return parser.state();
  };
  EXPECT_EQ(after("hello\r\n\r\n"), State::failed);
  EXPECT_EQ(after("HTTP/1.1 101 Switching Protocols\r\n\r\n"), State::failed);
  EXPECT_EQ(after("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"), State::failed);
  EXPECT_EQ(after("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"), State::too_large);
  EXPECT_EQ(after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n"), State::reading);
  EXPECT_EQ(after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0b\r\nx"), State::too_large);
  EXPECT_EQ(after("HTTP/1.1 200 OK\r\n\r\n" + std::string(11, 'x')), State::too_large);
  EXPECT_EQ(after("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", true), State::failed);
  EXPECT_EQ(after("HTTP/1.1 200 OK\r\nConten", true), State::failed);
  EXPECT_EQ(after("", true), State::failed);
}

// A server that says fixed bytes to each connection in turn, whatever it hears, and closes when told.
class Script {
 public:
  struct Act {
    std::string says;
    std::chrono::milliseconds after{0};
    bool stays = false;        // does not close
    bool hears_again = false;  // reads one more request before it closes
  };
  explicit Script(std::vector<Act> acts)
      : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}), acts_(std::move(acts)) {
    thread_ = std::thread([this] {
      for (auto& act : acts_) {
        boost::system::error_code error;
        boost::asio::ip::tcp::socket socket(context_);
        acceptor_.accept(socket, error);
        if (error) return;
        ++accepted;
        char buffer[65536];
        if (socket.read_some(boost::asio::buffer(buffer), error) == 0) continue;
        std::this_thread::sleep_for(act.after);
        ::send(socket.native_handle(), act.says.data(), act.says.size(), MSG_NOSIGNAL);
        if (act.hears_again) socket.read_some(boost::asio::buffer(buffer), error);
        if (act.stays) kept_.push_back(std::move(socket));
      }
    });
  }
  ~Script() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  std::atomic<int> accepted = 0;

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::vector<Act> acts_;
  std::vector<boost::asio::ip::tcp::socket> kept_;
  std::thread thread_;
};

async::Task<> send_into(Client& client, std::string url, Request request, std::chrono::milliseconds timeout, Response* out) {
  *out = co_await client.send(url, std::move(request), timeout);
}

class ClientTest : public testing::Test {
 protected:
  Response send(Client& client, const std::string& url, Request request = {}, std::chrono::milliseconds timeout = {}) {
    Response response;
    loops_.run(send_into(client, url, std::move(request), timeout, &response));
    return response;
  }
  Kind failure(Client& client, const std::string& url, Request request = {}, std::chrono::milliseconds timeout = {}) {
    try {
      auto response = send(client, url, std::move(request), timeout);
      ADD_FAILURE() << "answered " << response.status;
    } catch (const ClientError& error) {
      return error.kind;
    }
    return Kind::protocol;
  }

  static async::Task<Response> echo(Request request) {
    Response response;
    if (request.path() == "/slow") co_await async::sleep_for(300ms);
    if (request.path() == "/big") response.body.assign(3'000'000, 'x');
    if (response.body.empty()) {
      response.body =
          request.method + " " + request.target + " " + std::string(request.headers.get("Host")) + " [" + request.body + "]";
    }
    response.headers.add("X-Port", std::to_string(request.remote_port));
    co_return response;
  }

  async::Loops loops_{1};
};

TEST_F(ClientTest, KeepsConnectionsAlive) {
  Server server(loops_, echo);
  auto url = "http://127.0.0.1:" + std::to_string(server.listen("127.0.0.1", 0));
  Client client(loops_);
  auto first = send(client, url, {.method = "POST", .target = "/a?b", .body = "hello"});
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "POST /a?b " + url.substr(7) + " [hello]");
  Request named{.target = "/"};
  named.headers.add("Host", "other.example");
  auto second = send(client, url, named);
  EXPECT_THAT(second.body, HasSubstr("other.example"));
  EXPECT_EQ(first.headers.get("X-Port"), second.headers.get("X-Port"));
  EXPECT_EQ(send(client, url, {.method = "HEAD"}).body, "");
  EXPECT_EQ(send(client, url, {.target = "/big"}).body.size(), 3'000'000u);
  EXPECT_EQ(server.counters().accepted, 1u);
}

async::Task<> many(Client& client, std::string url, int count, std::atomic<int>* good) {
  for (int i = 0; i < count; ++i) {
    auto response = co_await client.send(url, {.method = "POST", .body = std::to_string(i)});
    if (response.body.ends_with("[" + std::to_string(i) + "]")) ++*good;
  }
}

TEST_F(ClientTest, ServesManyCoroutinesOnSeveralLoops) {
  async::Loops loops(3);
  Server server(loops, echo);
  auto url = "http://127.0.0.1:" + std::to_string(server.listen("127.0.0.1", 0));
  Client client(loops, {.idle_per_host = 6});
  std::atomic<int> good = 0;
  for (int i = 0; i < 20; ++i) loops.spawn("many", many(client, url, 30, &good));
  for (int i = 0; i < 10'000 && good < 600; ++i) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(good, 600);
}

TEST_F(ClientTest, SpeaksOverUnixSockets) {
  Server server(loops_, echo);
  auto path = std::filesystem::temp_directory_path() / ("lambari-client-" + std::to_string(::getpid()));
  server.listen("unix:" + path.string(), 0);
  Client client(loops_);
  EXPECT_EQ(send(client, "unix:" + path.string(), {.target = "/u"}).body, "GET /u localhost []");
  EXPECT_EQ(failure(client, "unix:" + path.string() + "-absent"), Kind::connect);
}

TEST_F(ClientTest, KnowsLocalNames) {
  Server server(loops_, echo);
  auto port = std::to_string(server.listen("127.0.0.1", 0));
  Client client(loops_);
  auto response = send(client, "http://abc.execute-api.localhost:" + port);
  EXPECT_EQ(response.body, "GET / abc.execute-api.localhost:" + port + " []");
}

TEST_F(ClientTest, TimesOut) {
  Server server(loops_, echo);
  auto url = "http://127.0.0.1:" + std::to_string(server.listen("127.0.0.1", 0));
  Client client(loops_, {.total_timeout = 50ms});
  EXPECT_EQ(failure(client, url, {.target = "/slow"}), Kind::timeout);
  EXPECT_EQ(send(client, url, {.target = "/slow"}, 10s).status, 200);
  Script dripping({{.says = "HTTP/1.1 200 OK\r\nContent-Le", .stays = true}});
  EXPECT_EQ(failure(client, dripping.url(), {}, 100ms), Kind::timeout);
}

TEST_F(ClientTest, SaysWhatWentWrong) {
  Client client(loops_, {.response_bytes = 100});
  Script nonsense({{.says = "220 smtp.example ESMTP\r\n\r\n"},
                   {.says = ""},
                   {.says = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"},
                   {.says = "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"}});
  EXPECT_EQ(failure(client, nonsense.url()), Kind::protocol);
  EXPECT_EQ(failure(client, nonsense.url()), Kind::protocol);
  EXPECT_EQ(failure(client, nonsense.url()), Kind::protocol);
  EXPECT_EQ(failure(client, nonsense.url()), Kind::too_large);
  EXPECT_EQ(failure(client, "http://127.0.0.1:1"), Kind::connect);
  EXPECT_EQ(failure(client, "http://no-such-host.invalid"), Kind::resolve);
  for (auto url :
       {"", "http://", "ftp://x", "127.0.0.1:80", "http://a/b", "http://u@h", "http://h:0", "http://h:99999", "unix:"}) {
    EXPECT_EQ(failure(client, url), Kind::protocol) << url;
  }
}

TEST_F(ClientTest, SendsNoMalformedRequest) {
  Client client(loops_);
  Request split;
  split.headers.add("X", "a\r\nY: b");
  EXPECT_EQ(failure(client, "http://127.0.0.1:1", split), Kind::protocol);
  EXPECT_EQ(failure(client, "http://127.0.0.1:1", {.target = "/a b"}), Kind::protocol);
  EXPECT_EQ(failure(client, "http://127.0.0.1:1", {.method = "GET /"}), Kind::protocol);
}

TEST_F(ClientTest, AStaleConnectionIsReplaced) {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  Client client(loops_);
  Script script({{.says = ok}, {.says = ok}, {.says = ok}});  // promises keep-alive and closes
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(send(client, script.url(), {.method = "POST", .body = "x"}).body, "ok");
    loops_.run(async::sleep_for(20ms));
  }
  EXPECT_EQ(script.accepted, 3);
}

TEST_F(ClientTest, OnlyWhatMayBeRepeatedIsRepeated) {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  Client client(loops_);
  Script script({{.says = ok, .hears_again = true}, {.says = ok, .hears_again = true}, {.says = ok}});
  EXPECT_EQ(send(client, script.url()).body, "ok");
  EXPECT_EQ(send(client, script.url()).body, "ok");  // the first connection swallowed it: asked again on the second
  EXPECT_EQ(script.accepted, 2);
  auto kind = failure(client, script.url(), {.method = "POST", .body = "pay"});  // nobody knows whether it was done
  EXPECT_TRUE(kind == Kind::protocol || kind == Kind::connect);
  EXPECT_EQ(script.accepted, 2);
}

TEST_F(ClientTest, ARefusalSentBeforeTheBodyWasReadIsSeen) {
  Server server(loops_, echo, {.body_bytes = 1000});
  auto url = "http://127.0.0.1:" + std::to_string(server.listen("127.0.0.1", 0));
  Client client(loops_);
  EXPECT_EQ(send(client, url, {.method = "PUT", .body = std::string(4'000'000, 'x')}).status, 413);
}

// A certificate that signs itself, for localhost.
struct Certificate {
  std::string pem, key;
  Certificate() {
    auto pkey = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>(EVP_EC_gen("P-256"), EVP_PKEY_free);
    auto x509 = std::unique_ptr<X509, void (*)(X509*)>(X509_new(), X509_free);
    X509_set_version(x509.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
    X509_set_pubkey(x509.get(), pkey.get());
    auto* name = X509_get_subject_name(x509.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(x509.get(), name);
    auto* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,DNS:good.localhost");
    X509_add_ext(x509.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_sign(x509.get(), pkey.get(), EVP_sha256());
    pem = text([&](BIO* to) { PEM_write_bio_X509(to, x509.get()); });
    key = text([&](BIO* to) { PEM_write_bio_PrivateKey(to, pkey.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  static std::string text(const std::function<void(BIO*)>& write) {
    auto bio = std::unique_ptr<BIO, int (*)(BIO*)>(BIO_new(BIO_s_mem()), BIO_free);
    write(bio.get());
    char* data = nullptr;
    auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
};

// Answers every request of every connection, one connection at a time, over TLS.
class TlsServer {
 public:
  explicit TlsServer(const Certificate& certificate) : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}) {
    tls_.use_certificate_chain(boost::asio::buffer(certificate.pem));
    tls_.use_private_key(boost::asio::buffer(certificate.key), boost::asio::ssl::context::pem);
    thread_ = std::thread([this] {
      for (;;) {
        boost::system::error_code error;
        boost::asio::ip::tcp::socket socket(context_);
        acceptor_.accept(socket, error);
        if (error) return;
        boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream(std::move(socket), tls_);
        stream.handshake(boost::asio::ssl::stream_base::server, error);
        char buffer[4096];
        while (!error && stream.read_some(boost::asio::buffer(buffer), error) > 0) {
          ++requests;
          stream.write_some(boost::asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")), error);
        }
      }
    });
  }
  ~TlsServer() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
  }
  std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }
  std::atomic<int> requests = 0;

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_server};
  std::thread thread_;
};

TEST_F(ClientTest, VerifiesTlsPeers) {
  Certificate certificate;
  TlsServer server(certificate);
  {
    Client client(loops_);
    EXPECT_EQ(failure(client, "https://localhost:" + server.port()), Kind::tls);
  }
  // The system's store, as OpenSSL lets an administrator place it.
  auto path = std::filesystem::temp_directory_path() / ("lambari-ca-" + std::to_string(::getpid()) + ".pem");
  std::ofstream(path) << certificate.pem;
  ::setenv("SSL_CERT_FILE", path.c_str(), 1);
  {
    Client client(loops_);
    EXPECT_EQ(send(client, "https://good.localhost:" + server.port()).body, "secret");
    EXPECT_EQ(send(client, "https://good.localhost:" + server.port(), {.method = "POST", .body = "again"}).body, "secret");
    EXPECT_EQ(server.requests, 2);
  }
  ::unsetenv("SSL_CERT_FILE");
  // Trusted besides, and found here whatever its name.
  const auto port = static_cast<std::uint16_t>(std::stoi(server.port()));
  const ClientOptions options{.authorities = certificate.pem, .find = [port](const std::string& host) -> Place {
                                if (host.ends_with(".nowhere.test")) return {"127.0.0.1", port};
                                return {};
                              }};
  {
    Client client(loops_, options);
    EXPECT_EQ(send(client, "https://good.localhost:" + server.port()).body, "secret");
  }
  {
    Client client(loops_, options);
    EXPECT_EQ(failure(client, "https://other.nowhere.test"), Kind::tls);  // found; its certificate is another's
  }
  ::setenv("SSL_CERT_FILE", path.c_str(), 1);
  {
    Client client(loops_);
    EXPECT_EQ(failure(client, "https://other.localhost:" + server.port()), Kind::tls);
    EXPECT_EQ(failure(client, "https://127.0.0.1:" + server.port()), Kind::tls);
  }
  ::unsetenv("SSL_CERT_FILE");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace lambari::http
