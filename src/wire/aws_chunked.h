// Bodies sent with Content-Encoding: aws-chunked.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace lambari::wire {

struct ChunkSigner {
  std::string key, time, scope;
  std::string previous;  // signature before the next chunk's
};

// Replaces the body by its content and adds the trailers as headers. `kind` is the value of X-Amz-Content-Sha256. Throws Fault
// when framing, a chunk's signature, the length or the trailing checksum is wrong.
void decode_aws_chunked(http::Request& request, std::string_view kind, ChunkSigner signer);

}  // namespace lambari::wire
