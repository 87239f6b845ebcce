// The public Signature Version 4 cases: canonical request, string to sign and signature, in the header and in the query; each
// signed request verifies, and does not once it is changed.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/text.h"
#include "vectors.h"
#include "wire/canonical.h"
#include "wire/fault.h"
#include "wire/signing_key.h"
#include "wire/sigv4.h"

namespace lambari::protocol {
namespace {

namespace json = base::json;

// Request lines of the cases hold spaces and bytes that no client sends; header values go over several lines.
http::Request parse(const std::string& text) {
  http::Request request;
  std::string_view rest = text;
  auto line = [&] {
    auto [one, more] = base::cut(rest, '\n');
    rest = more;
    return one.ends_with('\r') ? one.substr(0, one.size() - 1) : one;
  };
  auto first = line();
  auto space = first.find(' ');
  request.method = first.substr(0, space);
  request.target = first.substr(space + 1, first.rfind(" HTTP/") - space - 1);
  std::string name, value;
  auto flush = [&] {
    if (!name.empty()) request.headers.add(name, value);
  };
  while (!rest.empty()) {
    auto one = line();
    if (one.empty()) break;
    if (one[0] == ' ' || one[0] == '\t') {
      value += " " + std::string(base::trim(one));
      continue;
    }
    flush();
    auto [n, v] = base::cut(one, ':');
    name = n;
    value = v;
  }
  flush();
  request.body = rest;
  return request;
}

struct Context {
  std::string secret, region, service;
  base::Timestamp time;
  bool normalize;
};

Context context(const std::filesystem::path& folder) {
  json::value c = vectors::read_json(folder / "context.json");
  Context out{std::string(c.at("credentials").at("secret_access_key").as_string()),
              std::string(c.at("region").as_string()),
              std::string(c.at("service").as_string()),
              {},
              c.at("normalize").as_bool()};
  EXPECT_TRUE(base::parse_iso8601(std::string(c.at("timestamp").as_string()), out.time));
  return out;
}

void check(const std::filesystem::path& folder, const std::string& form) {
  SCOPED_TRACE(folder.filename().string() + " " + form);
  Context c = context(folder);
  http::Request request = parse(vectors::read(folder / (form + "-signed-request.txt")));
  auto as = wire::read_signature(request);
  ASSERT_TRUE(as);
  EXPECT_EQ(as->presigned, form == "query");
  EXPECT_EQ(as->signature, base::trim(vectors::read(folder / (form + "-signature.txt"))));

  std::string declared(request.headers.get("x-amz-content-sha256"));
  std::string hash = declared.empty() ? base::hex(base::sha256(request.body)) : declared;
  bool token_is_signed = !std::filesystem::exists(folder / "context.json") ||
                         vectors::read(folder / (form + "-canonical-request.txt")).find("Security-Token=") != std::string::npos;
  std::string canonical =
      wire::canonical_request(request, as->signed_headers, hash,
                              {.normalize_path = c.normalize, .double_encode = true, .unsigned_token = !token_is_signed});
  EXPECT_EQ(canonical, vectors::read(folder / (form + "-canonical-request.txt")));
  std::string scope = wire::scope_of(as->date, as->region, as->service);
  std::string to_sign = wire::string_to_sign(canonical, base::basic_iso8601(as->time), scope);
  EXPECT_EQ(to_sign, vectors::read(folder / (form + "-string-to-sign.txt")));
  EXPECT_EQ(base::hex(base::hmac_sha256(wire::signing_key(c.secret, as->date, c.region, c.service), to_sign)), as->signature);

  if (!c.normalize) return;  // a service that does not normalize signs as S3 does, which encodes once
  http::Request same = request;
  EXPECT_NO_THROW(wire::verify_signature(same, *as, c.secret, c.time));
  http::Request changed = request;
  changed.method = "PATCH";
  EXPECT_THROW(wire::verify_signature(changed, *as, c.secret, c.time), wire::Fault);
  EXPECT_THROW(wire::verify_signature(same, *as, "another secret", c.time), wire::Fault);
  EXPECT_THROW(wire::verify_signature(same, *as, c.secret, {c.time.ms + 3601 * 1000}), wire::Fault);
}

class SigV4 : public testing::TestWithParam<const char*> {};
TEST_P(SigV4, Vectors) {
  auto root = vectors::folder("sigv4");
  if (!root) GTEST_SKIP() << "skipped: no vectors";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*root)) {
    if (!entry.is_directory()) continue;
    check(entry.path(), GetParam());
    ++count;
  }
  EXPECT_GE(count, 38);
}
INSTANTIATE_TEST_SUITE_P(Forms, SigV4, testing::Values("header", "query"));

}  // namespace
}  // namespace lambari::protocol
