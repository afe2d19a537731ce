// Reads a credential from the node on this machine, where a program used to look into its environment. No package is needed.
//
//   node read.ts openai/api_key                                     Node 22.18 and later
//   node --input-type=module - openai/api_key < read.ts             before: nothing in it is TypeScript alone
//
// It asks on the Unix socket, where the kernel says who this program is. With AURORA_URL=http://127.0.0.1:8003 it asks on
// loopback ([api] listen) instead, with the API key in the file that AURORA_TOKEN_FILE names. AURORA_COMPANY names the company
// on whose behalf it is read, AURORA_SOCKET another socket. What is printed is about the credential, never the credential.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";

const name = process.argv[2];
const url = process.env.AURORA_URL;
const where = url
  ? { host: new URL(url).hostname, port: new URL(url).port }
  : { socketPath: process.env.AURORA_SOCKET ?? "/run/aurora/agent.sock" };
const token = url ? readFileSync(process.env.AURORA_TOKEN_FILE ?? "", "utf8").trim() : "";
const key = url ? { "X-Aurora-Request": "true", "X-API-Key": token } : {};
const company = process.env.AURORA_COMPANY ? { "X-Company-Id": process.env.AURORA_COMPANY } : {};

// Ask again for each use: the node has it in memory, and knows when it was rotated.
const asked = request({ ...where, path: `/api/secrets/${name}`, headers: { ...key, ...company }, timeout: 10_000 });
asked.on("timeout", () => asked.destroy(new Error("the node did not answer within 10 s")));
asked.end();
const [answer] = await once(asked, "response");
const body = JSON.parse(await text(answer));

if (answer.statusCode === 200) {
  // Here the program goes on with body.key_value.
  const served = answer.headers["x-cache"];
  console.log(`${name} version ${body.version}: ${body.key_value.length} characters, ${served}`);
} else {
  console.error(`${body.error.code}: ${body.error.message}. ${body.error.hint}`);
  process.exitCode = 1;
}
