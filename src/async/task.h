// The coroutine type of the program. A Task starts when awaited and runs on the executor of the one who awaits it.
// An exception thrown inside comes out of the co_await. Tasks are not thread-safe objects: await each once.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace lambari::async {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace lambari::async
