// client.mjs PACKAGE URL JSON: one visit of a TypeScript SDK's client, told as one line of JSON on stdout.
// PACKAGE is `sdk` or `client` (its successor); JSON has `headers`, `tool`, `arguments`.
// The packages are those of the folder in MCP_TEST_NPM_PACKAGES.
import { createRequire } from "node:module";

import "./loopback-names.mjs";

const require = createRequire(`${process.env.MCP_TEST_NPM_PACKAGES}/package.json`);
const [sdk, url, json] = process.argv.slice(2);
const visit = JSON.parse(json);
const asked = [];

const answers = {
  "elicitation/create": () => ({ action: "accept", content: { name: "Ada" } }),
  "sampling/createMessage": () => ({ role: "assistant", model: "none", content: { type: "text", text: "sampled" } }),
  "roots/list": () => ({ roots: [{ uri: "file:///tests", name: "tests" }] }),
};

function handle(client, schemas) {
  for (const [method, answer] of Object.entries(answers)) {
    client.setRequestHandler(schemas ? schemas[method] : method, async () => {
      asked.push(method);
      return answer();
    });
  }
}

const options = { capabilities: { elicitation: {}, sampling: {}, roots: { listChanged: true } } };
const name = { name: `tests-${sdk}`, version: "1" };
let client;
let transport;
if (sdk === "sdk") {
  const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
  const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
  const types = require("@modelcontextprotocol/sdk/types.js");
  client = new Client(name, options);
  handle(client, {
    "elicitation/create": types.ElicitRequestSchema,
    "sampling/createMessage": types.CreateMessageRequestSchema,
    "roots/list": types.ListRootsRequestSchema,
  });
  transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: visit.headers } });
} else {
  const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
  client = new Client(name, options);
  handle(client);
  transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: visit.headers } });
}

await client.connect(transport);
const { tools } = await client.listTools();
const result = visit.tool ? await client.callTool({ name: visit.tool, arguments: visit.arguments }) : null;
await client.ping();
await transport.terminateSession?.();
await client.close();
console.log(JSON.stringify({ tools: tools.map((tool) => tool.name), result, asked }));
