// Runs a Node.js function on AWS's own runtime interface client.
//
//   node lambari-node.mjs wait   started ahead of need: sleeps until descriptor 3 says what function this is
//   node lambari-node.mjs run    one function; the environment says which
import { createRequire } from "node:module";
import { closeSync, readFileSync, readSync } from "node:fs";

// What the interface client and the SDK load on first use; loading it now costs the function nothing.
import "node:async_hooks";
import "node:crypto";
import "node:http";
import "node:https";
import "node:net";
import "node:path";
import "node:stream/promises";
import "node:timers/promises";
import "node:util";
import "node:zlib";

const require = createRequire(import.meta.url);

// The newer client starts when it is imported, the older one has run().
const client = new URL("./index.mjs", import.meta.url);
const startsItself = !/^export \{\s*run\b|^\s*run$/m.test(readFileSync(client, "utf8").slice(-400));

// Sleeps in a blocking read: no event loop turns meanwhile. The message is: folder, arguments, "", environment, "".
function waitForAssignment() {
  const buffer = Buffer.allocUnsafe(1 << 18);
  const size = readSync(3, buffer);
  if (size <= 0) process.exit(0);
  closeSync(3);
  const fields = buffer.toString("utf8", 0, size).split("\0");
  process.chdir(fields[0]);
  const environment = fields.slice(fields.indexOf("", 1) + 1);
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const entry of environment.slice(0, environment.indexOf(""))) {
    const equals = entry.indexOf("=");
    process.env[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
}

if (process.argv[2] === "wait") {
  process.env.AWS_LAMBDA_RUNTIME_API ??= "127.0.0.1:9001";
  require("./rapid-client.node"); // reads AWS_LAMBDA_RUNTIME_API when it is loaded
  if (!startsItself) await import(client);
  waitForAssignment();
  require("node:module").Module._initPaths(); // NODE_PATH
}
process.argv.splice(1, process.argv.length - 1, "/var/runtime/index.mjs", process.env._HANDLER);
const { run } = await import(client);
if (run) await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
