// What all who read archives with libarchive here need.
#pragma once

#include <archive.h>
#include <locale.h>

#include <memory>

namespace lambari::lambda {

struct CloseArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Archive = std::unique_ptr<archive, CloseArchive>;

// libarchive converts names into the thread's locale; only in a UTF-8 one do they come through as they are.
class Utf8Locale {
 public:
  Utf8Locale() : mine_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(mine_ ? uselocale(mine_) : nullptr) {}
  ~Utf8Locale() {
    if (!mine_) return;
    uselocale(before_);
    freelocale(mine_);
  }
  Utf8Locale(const Utf8Locale&) = delete;

 private:
  locale_t mine_, before_;
};

}  // namespace lambari::lambda
