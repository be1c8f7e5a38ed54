// login.mjs URL JSON: a user logs in to the MCP server at URL with the TypeScript SDK's client, unattended, and calls a
// tool until the token has been refreshed; told as one line of JSON on stdout.
// JSON has `user`, `headers`, `tool`, `arguments`, `calls` (at least so many) and `refreshes` (until so many), and may
// have `password`, for a provider that asks for it, and `scope`.
// The packages are those of the folder in MCP_TEST_NPM_PACKAGES.
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout } from "node:timers/promises";

import { browse } from "./browser.mjs";
import "./loopback-names.mjs";

const require = createRequire(`${process.env.MCP_TEST_NPM_PACKAGES}/package.json`);
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { UnauthorizedError } = require("@modelcontextprotocol/sdk/client/auth.js");
const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");

const [url, json] = process.argv.slice(2);
const visit = JSON.parse(json);
const steps = [];
const kept = {};
// Nobody listens there: what is sent to it is in the redirect.
const redirectUrl = "http://127.0.0.1:1/callback";
// Between calls that wait for a token to expire, in milliseconds.
const pause = 100;

const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: "tests",
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    scope: visit.scope,
  },
  state: () => (kept.state = randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => (kept.verifier = verifier),
  redirectToAuthorization: (authorization) => (kept.authorization = authorization),
};

async function recorded(target, init) {
  const response = await fetch(target, init);
  const { origin, pathname } = new URL(target);
  steps.push({ method: init?.method ?? "GET", url: origin + pathname, status: response.status });
  return response;
}

/** What the user's browser does. Gives the code. */
async function authorized(authorization) {
  const start = new URL(authorization);
  start.searchParams.set("login_hint", visit.user);
  const fields = { username: visit.user, password: visit.password };
  const { searchParams: answer } = await browse(recorded, { start, end: redirectUrl, fields });
  if (answer.get("state") !== kept.state || !answer.has("code")) throw new Error(`no code: ${answer}`);
  return answer.get("code");
}

function opened() {
  const client = new Client({ name: "tests-login", version: "1" });
  const options = { authProvider, fetch: recorded, requestInit: { headers: visit.headers } };
  return { client, transport: new StreamableHTTPClientTransport(new URL(url), options) };
}

async function connected() {
  const refused = opened();
  const error = await refused.client.connect(refused.transport).then(() => undefined, (error) => error);
  if (!(error instanceof UnauthorizedError)) throw error ?? new Error("no login was asked for");
  await refused.transport.finishAuth(await authorized(kept.authorization));
  const accepted = opened();
  await accepted.client.connect(accepted.transport);
  return accepted;
}

function claims({ access_token: token }) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

const { client, transport } = await connected();
const { tools } = await client.listTools();
const results = [];
let refreshes = 0;
for (let last = kept.tokens; results.length < visit.calls || refreshes < visit.refreshes; ) {
  const called = client.callTool({ name: visit.tool, arguments: visit.arguments });
  results.push(await called.catch((error) => ({ error: error.message })));
  if (kept.tokens !== last) refreshes += 1;
  last = kept.tokens;
  if (refreshes < visit.refreshes) await setTimeout(pause);
}
await transport.terminateSession();
await client.close();
const names = tools.map((tool) => tool.name);
console.log(JSON.stringify({ tools: names, results, refreshes, claims: claims(kept.tokens), steps }));
