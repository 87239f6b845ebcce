// The composition root: builds every part, hands out references, starts and stops them in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "app/settings.h"

namespace lambari::app {

// The server cannot start; the message is for the user and says what to do.
struct StartError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class House {
 public:
  // Takes the address and the data directory, rebuilds what lives in memory, and serves. Throws StartError.
  House(Settings settings, std::string version);
  // Closes at once what close() did not.
  ~House();
  House(const House&) = delete;

  std::string url() const;                    // "http://127.0.0.1:4566"
  std::vector<std::string> warnings() const;  // what is degraded, for the user
  std::string summary() const;                // "data /home/ana/.local/share/lambari, isolation full"

  // Returns when SIGINT, SIGTERM, SIGHUP or POST /_lambari/stop asks for the end. A second signal ends the process there and
  // then.
  void wait();
  // Finishes what runs, for a bounded time, and gives everything back.
  void close();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// What this host gives, without a server: the document of /_lambari/doctor, as JSON.
std::string probe(const Settings& settings);

}  // namespace lambari::app
