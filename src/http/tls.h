// TLS on the server's side: RFC 8446 and 5246 by OpenSSL, versions 1.2 and 1.3, ALPN http/1.1, a certificate per name, tickets
// for quick resumption, no renegotiation. Works on bytes in memory, so that reading, writing and waiting stay the connection's.
#pragma once

#include <openssl/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lambari::http {

// What a server shows of itself. Immutable and shared.
struct Identity {
  std::shared_ptr<X509> certificate;  // the issuer is one that the client has
  std::shared_ptr<EVP_PKEY> key;
};

// Finds the identity for a name in lower case (SNI), or for the address that was connected to when the client gave no name.
// Called on loop threads, so it is quick. Null: the handshake fails.
using IdentityFor = std::function<std::shared_ptr<const Identity>(const std::string& name, const std::string& address)>;

// What the connections of a server share. Thread-safe.
class ServerTls {
 public:
  explicit ServerTls(IdentityFor identity_for);
  ~ServerTls();
  ServerTls(const ServerTls&) = delete;

 private:
  friend class TlsChannel;
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

// The first byte of a TLS connection (a handshake record), and of no HTTP request.
inline constexpr char kTlsFirstByte = 0x16;

// One connection's TLS. Lives on one loop.
class TlsChannel {
 public:
  // `address` is the local end, as text.
  TlsChannel(const ServerTls& tls, const std::string& address);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;

  // Largest piece of what the peer sent that open() takes at once. What comes out of it, with the rest of an earlier one, fits
  // in twice as much.
  static constexpr std::size_t kPiece = 32 * 1024;

  // Takes what came from the peer and writes what it means to `to`, which has room for two pieces: all that can be read by now.
  // There may be something to push() afterwards.
  std::size_t open(std::string_view sealed, char* to);
  bool established() const { return established_; }
  // No more comes out of open(): the peer said its goodbye, or broke the protocol.
  bool ended() const { return ended_; }

  // Sends what was sealed. False when some is left (errno is EAGAIN) or the connection is broken (errno is anything else).
  bool push(int fd, std::size_t& bytes_out);
  std::size_t unsent() const;

  // As writev(): seals and sends; how many of the plain bytes were taken, or -1 and errno. Some of what was taken may be left to
  // push().
  ssize_t write(int fd, const iovec* pieces, int count, std::size_t& bytes_out);

  // Gives back memory that only a connection at work needs.
  void rest();

  // Says goodbye, so that the peer knows that nothing was cut off. push() sends it.
  void close();

 private:
  void handshake();

  std::shared_ptr<ServerTls::Shared> shared_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  const std::string address_;
  BIO* in_;   // of ssl_
  BIO* out_;  // of ssl_
  bool established_ = false;
  bool ended_ = false;
};

}  // namespace lambari::http
