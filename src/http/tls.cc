#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/buffer.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/text.h"

namespace lambari::http {

namespace {

constexpr std::size_t kSealAtOnce = 64 * 1024;  // of plain bytes, before the socket has taken them
constexpr std::size_t kRestingBuffer = 4 * 1024;
constexpr std::size_t kLongestName = 253;
constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int address_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered, unsigned count,
                    void*) {
  unsigned char* found = nullptr;
  int result = SSL_select_next_proto(&found, size, kHttp11, sizeof kHttp11, offered, count);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The client's name for us; empty when it gave none, or one that cannot be a host's.
std::string name_of(SSL* ssl) {
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!asked) return {};
  auto name = base::lower(asked);
  if (name.ends_with('.')) name.pop_back();
  bool good = !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
  return good ? name : std::string();
}

}  // namespace

struct ServerTls::Shared {
  IdentityFor identity_for;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context{nullptr, SSL_CTX_free};

  static int choose_identity(SSL* ssl, void* self) {
    std::shared_ptr<const Identity> identity;
    try {
      const auto& address = *static_cast<const std::string*>(SSL_get_ex_data(ssl, address_index()));
      identity = static_cast<Shared*>(self)->identity_for(name_of(ssl), address);
    } catch (const std::exception&) {  // the client hears an alert
    }
    return identity && SSL_use_certificate(ssl, identity->certificate.get()) == 1 &&
           SSL_use_PrivateKey(ssl, identity->key.get()) == 1;
  }
};

ServerTls::ServerTls(IdentityFor identity_for) : shared_(std::make_shared<Shared>()) {
  shared_->identity_for = std::move(identity_for);
  shared_->context.reset(SSL_CTX_new(TLS_server_method()));
  auto* context = shared_->context.get();
  if (!context) throw std::runtime_error("TLS is not available");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
  // Tickets hold all there is to resume; a cache of sessions would only grow.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_cert_cb(context, Shared::choose_identity, shared_.get());
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

ServerTls::~ServerTls() = default;

TlsChannel::TlsChannel(const ServerTls& tls, const std::string& address)
    : shared_(tls.shared_),
      ssl_(SSL_new(shared_->context.get()), SSL_free),
      address_(address),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
  if (!ssl_ || !in_ || !out_) throw std::bad_alloc();
  BIO_set_mem_eof_return(in_, -1);
  BIO_set_mem_eof_return(out_, -1);
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_ex_data(ssl_.get(), address_index(), const_cast<std::string*>(&address_));
  SSL_set_accept_state(ssl_.get());
}

TlsChannel::~TlsChannel() = default;

std::size_t TlsChannel::open(std::string_view sealed, char* to) {
  std::size_t got = 0;
  if (ended_) return got;
  ERR_clear_error();
  if (BIO_write(in_, sealed.data(), static_cast<int>(sealed.size())) != static_cast<int>(sealed.size())) {
    ended_ = true;
    return got;
  }
  handshake();
  while (established_ && !ended_) {
    std::size_t size = 0;
    if (SSL_read_ex(ssl_.get(), to + got, 2 * kPiece - got, &size) == 1) {
      got += size;
      continue;
    }
    if (SSL_get_error(ssl_.get(), 0) != SSL_ERROR_WANT_READ) ended_ = true;
    break;
  }
  ERR_clear_error();
  return got;
}

void TlsChannel::handshake() {
  if (established_ || ended_) return;
  int result = SSL_do_handshake(ssl_.get());
  if (result == 1)
    established_ = true;
  else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ)
    ended_ = true;
}

std::size_t TlsChannel::unsent() const { return BIO_ctrl_pending(out_); }

bool TlsChannel::push(int fd, std::size_t& bytes_out) {
  for (;;) {
    char* data = nullptr;
    auto size = BIO_get_mem_data(out_, &data);
    if (size <= 0) return true;
    auto sent = ::send(fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) errno = EAGAIN;
      return false;
    }
    bytes_out += static_cast<std::size_t>(sent);
    if (sent == size) {
      (void)BIO_reset(out_);
      return true;
    }
    char thrown[4096];
    for (auto left = sent; left > 0;) {
      int taken = BIO_read(out_, thrown, static_cast<int>(std::min<ssize_t>(left, sizeof thrown)));
      if (taken <= 0) break;
      left -= taken;
    }
  }
}

ssize_t TlsChannel::write(int fd, const iovec* pieces, int count, std::size_t& bytes_out) {
  if (!push(fd, bytes_out)) return -1;
  if (!established_ || ended_) {
    errno = EPIPE;
    return -1;
  }
  ERR_clear_error();
  std::size_t taken = 0;
  for (int i = 0; i < count && taken < kSealAtOnce; ++i) {
    std::string_view left(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    left = left.substr(0, kSealAtOnce - taken);
    while (!left.empty()) {
      std::size_t size = 0;
      if (SSL_write_ex(ssl_.get(), left.data(), left.size(), &size) != 1) {
        ERR_clear_error();
        errno = EPIPE;
        return -1;
      }
      left.remove_prefix(size);
      taken += size;
    }
  }
  if (!push(fd, bytes_out) && errno != EAGAIN) return -1;
  return static_cast<ssize_t>(taken);
}

void TlsChannel::rest() {
  for (auto* bio : {in_, out_}) {
    BUF_MEM* memory = nullptr;
    if (BIO_ctrl_pending(bio) > 0 || BIO_get_mem_ptr(bio, &memory) != 1 || memory->max <= kRestingBuffer) continue;
    if (auto* fresh = BUF_MEM_new()) BIO_set_mem_buf(bio, fresh, BIO_CLOSE);
  }
}

void TlsChannel::close() {
  if (!established_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace lambari::http
