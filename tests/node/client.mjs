// client.mjs PACKAGE URL JSON: what a TypeScript SDK's client does, step by step, told as one line of JSON on stdout.
// PACKAGE is `sdk` or `client` (its successor); JSON has `headers`, `era`, `steps`: see tests/harness/clients.rs.
// The packages are those of the folder in MCP_TEST_NPM_PACKAGES.
import { createRequire } from "node:module";

import "./loopback-names.mjs";

const require = createRequire(`${process.env.MCP_TEST_NPM_PACKAGES}/package.json`);
const [sdk, url, json] = process.argv.slice(2);
const told = JSON.parse(json);
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
const requestInit = { headers: told.headers };
let client;
let transport;
let callTool;
if (sdk === "sdk") {
  const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
  const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
  const types = require("@modelcontextprotocol/sdk/types.js");
  if (told.era !== "sessions") throw new Error(`this SDK knows sessions alone, not ${told.era}`);
  client = new Client(name, options);
  handle(client, {
    "elicitation/create": types.ElicitRequestSchema,
    "sampling/createMessage": types.CreateMessageRequestSchema,
    "roots/list": types.ListRootsRequestSchema,
  });
  transport = new StreamableHTTPClientTransport(new URL(url), { requestInit });
  callTool = (params, options) => client.callTool(params, undefined, options);
} else {
  const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
  const mode = { sessions: "legacy", newest: "auto", stateless: { pin: "2026-07-28" } }[told.era];
  client = new Client(name, { ...options, versionNegotiation: { mode } });
  handle(client);
  transport = new StreamableHTTPClientTransport(new URL(url), { requestInit });
  callTool = (params, options) => client.callTool(params, options);
}

// All pages of a list.
async function all(list, member) {
  const items = [];
  let cursor;
  do {
    const page = await list(cursor ? { cursor } : undefined);
    items.push(...page[member]);
    cursor = page.nextCursor;
  } while (cursor);
  return { items };
}

const steps = {
  tools: () => all((page) => client.listTools(page), "tools"),
  prompts: () => all((page) => client.listPrompts(page), "prompts"),
  resources: () => all((page) => client.listResources(page), "resources"),
  templates: () => all((page) => client.listResourceTemplates(page), "resourceTemplates"),
  async call({ name, arguments: given }) {
    const progress = [];
    const result = await callTool({ name, arguments: given }, { onprogress: (one) => progress.push(one) });
    return { result, progress };
  },
  // A call that the user gives up at the first word of its progress.
  async giveUp({ name, arguments: given }) {
    const progress = [];
    const user = new AbortController();
    const onprogress = (one) => {
      progress.push(one);
      user.abort("not wanted any more");
    };
    try {
      return { result: await callTool({ name, arguments: given }, { onprogress, signal: user.signal }), progress };
    } catch (error) {
      return { gaveUp: user.signal.aborted, progress, words: String(error) };
    }
  },
  prompt: async ({ name, arguments: given }) => ({ result: await client.getPrompt({ name, arguments: given }) }),
  read: async ({ uri }) => ({ result: await client.readResource({ uri }) }),
  complete: async ({ ref, argument }) => ({ result: await client.complete({ ref, argument }) }),
  ping: async () => ({ result: await client.ping() }),
};

async function outcome(step) {
  try {
    return await steps[step.do](step);
  } catch (error) {
    return { error: String(error), code: error.code };
  }
}

await client.connect(transport);
const outcomes = [];
for (const step of told.steps) outcomes.push(await outcome(step));
const revision = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
await transport.terminateSession?.();
await client.close();
console.log(JSON.stringify({ revision, outcomes, asked }));
