// Signatures of messages, and the certificate that verifies them.
//   https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
#pragma once

#include <openssl/types.h>

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "async/gate.h"
#include "async/loops.h"
#include "store/store.h"

namespace lambari::sns {

// Thread-safe. The key is made when first needed and kept in the store, so that old messages verify after a restart.
class Signer {
 public:
  Signer(async::Loops& loops, store::Store& store);
  ~Signer();

  // Before sign() and certificate(): makes or reads the key.
  async::Task<> ready();

  // base64 of RSA over SHA-1 (version "1") or SHA-256 ("2"). Takes about half a millisecond; the subscriptions of one topic
  // receive the same text, so the latest signatures are remembered.
  std::string sign(const std::string& version, const std::string& text);

  const std::string& certificate() const { return certificate_; }  // PEM
  // "/SimpleNotificationService-<hash>.pem"
  const std::string& path() const { return path_; }

 private:
  struct Made {
    std::once_flag once;
    std::string signature;
  };
  void use(const std::string& pem);

  async::Loops& loops_;
  store::Store& store_;
  async::Semaphore making_{1};
  std::atomic<bool> ready_{false};
  std::shared_ptr<EVP_PKEY> key_;  // these are set once, before ready_
  std::string certificate_, path_;

  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Made>> made_;  // guarded by mutex_, as is order_
  std::list<std::string> order_;                                 // the latest last
};

}  // namespace lambari::sns
