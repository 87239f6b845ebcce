// AWS's own examples of chunked uploads, and what we sign ourselves. The public vectors are in tests/protocol.
#include "wire/sigv4.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "wire/aws_chunked.h"
#include "wire/canonical.h"
#include "wire/checksum.h"
#include "wire/fault.h"
#include "wire/signing_key.h"

namespace lambari::wire {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

base::Timestamp at(std::string_view basic) {
  base::Timestamp time;
  EXPECT_TRUE(base::parse_basic_iso8601(basic, time));
  return time;
}

std::string code_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Fault& fault) {
    return fault.code();
  }
  return "none";
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
http::Request chunked_example() {
  http::Request r;
  r.method = "PUT";
  r.target = "/examplebucket/chunkObject.txt";
  r.headers.add("Host", "s3.amazonaws.com");
  r.headers.add("x-amz-date", "20130524T000000Z");
  r.headers.add("x-amz-storage-class", "REDUCED_REDUNDANCY");
  r.headers.add(
      "Authorization",
      "AWS4-HMAC-SHA256 "
      "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;"
      "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,"
      "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  r.headers.add("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  r.headers.add("Content-Encoding", "aws-chunked");
  r.headers.add("x-amz-decoded-content-length", "66560");
  r.headers.add("Content-Length", "66824");
  r.body =
      "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + std::string(65536, 'a') +
      "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + std::string(1024, 'a') +
      "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
  return r;
}

TEST(SigV4, VerifiesSignedChunks) {
  http::Request r = chunked_example();
  verify_signature(r, *read_signature(r), kSecret, at("20130524T000100Z"));
  EXPECT_EQ(r.body, std::string(66560, 'a'));
  EXPECT_FALSE(r.headers.has("Content-Encoding"));
}

TEST(SigV4, RefusesAChangedChunk) {
  for (std::size_t where : {100u, 65700u}) {
    http::Request r = chunked_example();
    r.body[where] = 'b';
    EXPECT_EQ(code_of([&] { verify_signature(r, *read_signature(r), kSecret, at("20130524T000100Z")); }),
              "SignatureDoesNotMatch");
  }
  http::Request r = chunked_example();
  r.body.resize(1000);
  EXPECT_EQ(code_of([&] { verify_signature(r, *read_signature(r), kSecret, at("20130524T000100Z")); }), "IncompleteBody");
}

// A request signed here, in the form that SDKs use by default today.
http::Request trailer_request(const std::string& kind, const std::string& body) {
  http::Request r;
  r.method = "PUT";
  r.target = "/bucket/key";
  r.headers.add("Host", "localhost:4566");
  r.headers.add("X-Amz-Content-Sha256", kind);
  r.headers.add("X-Amz-Date", "20260131T000000Z");
  r.headers.add("Content-Encoding", "gzip,aws-chunked");
  r.headers.add("X-Amz-Decoded-Content-Length", "5");
  r.body = body;
  std::vector<std::string> names = {"host", "x-amz-content-sha256", "x-amz-date"};
  std::string scope = scope_of("20260131", "us-east-1", "s3");
  std::string canonical = canonical_request(r, names, kind, false, false);
  std::string signature = base::hex(base::hmac_sha256(signing_key(kSecret, "20260131", "us-east-1", "s3"),
                                                      string_to_sign(canonical, "20260131T000000Z", scope)));
  r.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/" + scope +
                                     ", SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + signature);
  return r;
}

TEST(SigV4, ChecksAnUnsignedTrailer) {
  std::string kind = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  auto r = trailer_request(kind, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
  verify_signature(r, *read_signature(r), kSecret, at("20260131T000000Z"));
  EXPECT_EQ(r.body, "hello");
  EXPECT_EQ(r.headers.get("Content-Encoding"), "gzip");
  EXPECT_EQ(r.headers.get("x-amz-checksum-crc32"), "NhCmhg==");
  r = trailer_request(kind, "5\r\nhellO\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
  EXPECT_EQ(code_of([&] { verify_signature(r, *read_signature(r), kSecret, at("20260131T000000Z")); }), "BadDigest");
  r = trailer_request(kind, "4\r\nhell\r\n0\r\n\r\n");
  EXPECT_EQ(code_of([&] { verify_signature(r, *read_signature(r), kSecret, at("20260131T000000Z")); }), "IncompleteBody");
}

TEST(Checksum, KnowsEachAlgorithm) {
  EXPECT_EQ(crc64nvme("123456789"), 0xAE8B14860A799888ULL);
  EXPECT_EQ(checksum_matches("x-amz-checksum-crc32c", "4waSgw==", "123456789"), true);
  EXPECT_EQ(checksum_matches("x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "hello"), true);
  EXPECT_EQ(checksum_matches("x-amz-checksum-sha1", "AAAA", "hello"), false);
  EXPECT_EQ(checksum_matches("x-amz-meta-a", "AAAA", "hello"), std::nullopt);
}

TEST(SigV4, VerifiesWhatItSigned) {
  for (std::string service : {"lambda", "s3"}) {
    http::Request r;
    r.method = "POST";
    r.target = "/a%20b//c?x=1&y=%2B";
    r.body = "body";
    r.headers.add("Host", "localhost:4566");
    sign(r, {"AKID", std::string(kSecret), "token"}, "us-east-1", service, at("20260131T000000Z"));
    auto as = read_signature(r);
    ASSERT_TRUE(as);
    EXPECT_EQ(as->access_key_id, "AKID");
    EXPECT_EQ(as->security_token, "token");
    EXPECT_EQ(as->service, service);
    EXPECT_EQ(code_of([&] { verify_signature(r, *as, kSecret, at("20260131T001000Z")); }), "none");
    EXPECT_NE(code_of([&] { verify_signature(r, *as, kSecret, at("20260131T001600Z")); }), "none");
    EXPECT_NE(code_of([&] { verify_signature(r, *as, kSecret, at("20260130T234000Z")); }), "none");
    r.body = "other";
    EXPECT_NE(code_of([&] { verify_signature(r, *as, kSecret, at("20260131T001000Z")); }), "none");
  }
}

TEST(SigV4, RefusesWhatIsMalformed) {
  http::Request r;
  EXPECT_FALSE(read_signature(r));
  r.headers.set("Authorization", "Bearer x");
  EXPECT_FALSE(read_signature(r)) << "another scheme: not ours to judge";
  r.headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b");
  EXPECT_EQ(code_of([&] { read_signature(r); }), "IncompleteSignature");
  r.headers.set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x");
  r.headers.set("X-Amz-Date", "20260131T000000Z");
  EXPECT_EQ(code_of([&] { read_signature(r); }), "IncompleteSignature");
}

}  // namespace
}  // namespace lambari::wire
