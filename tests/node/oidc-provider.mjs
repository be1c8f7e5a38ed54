// oidc-provider.mjs JSON: an OpenID provider on loopback whose users log in by themselves; says `ready`, then what it
// is asked. JSON has `issuer`, `port`, `adminPort`, `algorithm` of signatures, `lifetime` of access tokens and how far
// the clock of their times is `behind` (seconds), `users` (the claims of a login's access tokens), and may have `tls`
// (files: `certificate`, `key`) and `keys`, a file in which the keys outlive this program.
// The user is whom the authorization request names by `login_hint`, and agrees to everything.
// The packages are those of the folder in MCP_TEST_NPM_PACKAGES.
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import { Memory } from "./oidc-memory.mjs";

const require = createRequire(`${process.env.MCP_TEST_NPM_PACKAGES}/package.json`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));
const settings = JSON.parse(process.argv[2]);
const base = new URL(settings.issuer).pathname.replace(/\/$/, "");
const cookieKey = randomBytes(32).toString("hex");
const scope = "mcp";

/** The first one signs; all are published. */
let keys = settings.keys && existsSync(settings.keys) ? JSON.parse(readFileSync(settings.keys)) : [newKey()];
let areKeysWithheld = false;
let provider;
let callback;

function newKey() {
  const kinds = { ES256: ["ec", { namedCurve: "P-256" }], RS256: ["rsa", { modulusLength: 2048 }] };
  const jwk = generateKeyPairSync(...kinds[settings.algorithm]).privateKey.export({ format: "jwk" });
  return { ...jwk, kid: randomUUID(), use: "sig", alg: settings.algorithm };
}

/** A provider's keys are fixed, so others make another provider, with the state of the one before. */
function use(others) {
  keys = others;
  if (settings.keys) writeFileSync(settings.keys, JSON.stringify(keys));
  provider = new Provider(settings.issuer, configuration());
  callback = provider.callback();
}

function configuration() {
  return {
    adapter: Memory,
    jwks: { keys },
    cookies: { keys: [cookieKey] },
    clientDefaults: { id_token_signed_response_alg: settings.algorithm },
    scopes: ["openid", "offline_access", scope],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
    },
    interactions: { url: (_, interaction) => `${base}/interaction/${interaction.uid}` },
    findAccount: (_, login) => ({ accountId: login, claims: () => ({ sub: login }) }),
    extraTokenClaims: (_, token) => settings.users[token.accountId],
    issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    formats: { customizers: { jwt: setBack } },
  };
}

function resourceServer(_, resource) {
  const jwt = { sign: { alg: settings.algorithm } };
  return { audience: resource, scope, accessTokenFormat: "jwt", accessTokenTTL: settings.lifetime, jwt };
}

function setBack(_context, _token, { payload }) {
  payload.iat -= settings.behind;
  payload.exp -= settings.behind;
}

/** An access token as a login would give it, by the provider's own models. */
async function issue(user) {
  const client = new provider.Client({
    client_id: "tests",
    redirect_uris: ["https://client.example/"],
    token_endpoint_auth_method: "none",
  });
  const token = new provider.AccessToken({ accountId: user, client, scope, extra: settings.users[user] });
  token.resourceServer = new provider.ResourceServer(settings.issuer, resourceServer(null, settings.issuer));
  return token.save();
}

async function interact(request, response) {
  const interaction = await provider.interactionDetails(request, response);
  const answer = { login, consent }[interaction.prompt.name];
  await provider.interactionFinished(request, response, await answer(interaction));
}

function login({ params }) {
  if (params.login_hint) return { login: { accountId: params.login_hint } };
  return { error: "access_denied", error_description: "login_hint names nobody" };
}

async function consent({ params, session, prompt }) {
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details;
  grant.addOIDCScope(missingOIDCScope.join(" "));
  for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
    grant.addResourceScope(resource, scopes.join(" "));
  }
  return { consent: { grantId: await grant.save() } };
}

/** At the place of RFC 8414 are the metadata of OpenID Connect, too. */
function placed(path) {
  const configurationPath = "/.well-known/openid-configuration";
  if (path === `/.well-known/oauth-authorization-server${base}`) return configurationPath;
  return path.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
}

async function answer(request, response) {
  const { pathname, search } = new URL(request.url, settings.issuer);
  response.on("finish", () => console.log(`${request.method} ${pathname} ${response.statusCode}`));
  const path = placed(pathname);
  if (path === undefined) return response.writeHead(404).end();
  if (path === "/jwks" && areKeysWithheld) return response.writeHead(500).end();
  if (path.startsWith("/interaction/")) return interact(request, response);
  // By these two the provider knows what stands before its paths.
  request.originalUrl = `${base}${path}${search}`;
  request.url = `${path}${search}`;
  return callback(request, response);
}

const orders = {
  "/keys/rotate": () => use([newKey(), ...keys]),
  "/keys/replace": () => use([newKey()]),
  "/keys/withhold": () => (areKeysWithheld = true),
  "/keys/publish": () => (areKeysWithheld = false),
};

async function obey(request, response) {
  const user = request.method === "POST" && request.url.match(/^\/tokens\/(.+)$/)?.[1];
  if (user) return response.end(await issue(user));
  const order = request.method === "POST" && orders[request.url];
  order?.();
  response.writeHead(order ? 204 : 404).end();
}

function listen(server, port) {
  return new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}

function failing(handle) {
  return async (request, response) => {
    try {
      await handle(request, response);
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  };
}

use(keys);
const { tls } = settings;
const identity = tls && { cert: readFileSync(tls.certificate), key: readFileSync(tls.key) };
await listen(tls ? https.createServer(identity, failing(answer)) : http.createServer(failing(answer)), settings.port);
await listen(http.createServer(failing(obey)), settings.adminPort);
console.log("ready");
