// Descriptors for which nobody waits too long.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "sandbox/descriptor.h"

namespace lambari::sandbox {

// Closes it when `timer` is over: who waits for it then, or comes later, gets an error. Null when it cannot be waited for. To be
// used on the timer's loop; the timer is to be cancelled when all is done.
inline std::shared_ptr<boost::asio::posix::stream_descriptor> open_until_late(boost::asio::io_context& context,
                                                                              boost::asio::steady_timer& timer,
                                                                              Descriptor descriptor) {
  auto stream = std::make_shared<boost::asio::posix::stream_descriptor>(context);
  boost::system::error_code error;
  stream->assign(descriptor.get(), error);
  if (error) return nullptr;
  descriptor.release();
  timer.async_wait([stream](boost::system::error_code cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) stream->close(ignored);
  });
  return stream;
}

}  // namespace lambari::sandbox
