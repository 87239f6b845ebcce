// The smallest function there is, for provided.al2023: one connection to the Runtime API, kept; the answer is always the same.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[1 << 16];

// The whole answer; its body has the length that its header says.
static void call(int to, const char* method, const char* path, const char* body) {
  dprintf(to, "%s /2018-06-01/runtime/invocation/%s HTTP/1.1\r\nHost: runtime\r\nContent-Length: %zu\r\n\r\n%s", method, path,
          strlen(body), body);
  for (size_t size = 0;;) {
    ssize_t got = read(to, buffer + size, sizeof buffer - 1 - size);
    if (got <= 0) exit(1);
    buffer[size += got] = 0;
    char *end = strstr(buffer, "\r\n\r\n"), *length = strcasestr(buffer, "content-length:");
    if (end && size >= (size_t)(end + 4 - buffer) + (length && length < end ? strtoul(length + 15, NULL, 10) : 0)) return;
  }
}

int main(void) {
  char host[64], id[64], path[96];
  snprintf(host, sizeof host, "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
  char* port = strchr(host, ':');
  *port++ = 0;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_pton(AF_INET, host, &at.sin_addr);
  int to = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(to, (struct sockaddr*)&at, sizeof at) != 0) return 1;
  for (;;) {
    call(to, "GET", "next", "");
    sscanf(strcasestr(buffer, "lambda-runtime-aws-request-id:") + 30, " %63[^\r\n]", id);
    snprintf(path, sizeof path, "%s/response", id);
    call(to, "POST", path, "{\"statusCode\":200,\"body\":\"ok\"}");
  }
}
