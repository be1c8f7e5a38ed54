// claude-login.mjs JSON: runs `claude mcp login` until a user has logged in, as whom the browser fills forms in.
// JSON has the program `claude`, the `server` by its name in the configuration, `user` and `password`.
import { spawn } from "node:child_process";

import { browse } from "./browser.mjs";
import "./loopback-names.mjs";

const { claude, server, user, password } = JSON.parse(process.argv[2]);
// It wants a terminal; this is one of util-linux's.
const command = `'${claude}' mcp login --no-browser ${server}`;
const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
  stdio: ["pipe", "pipe", "inherit"],
});
const closed = new Promise((resolve) => child.on("close", resolve));
let said = "";
let isLoggedIn = false;
for await (const chunk of child.stdout) {
  said += chunk;
  // A link, whose address ends with a control character.
  const [, start] = /(https:[^\s\x07\x1b]+)[\s\x07\x1b]/.exec(said) ?? [];
  if (!start || isLoggedIn) continue;
  isLoggedIn = true;
  const end = new URL(start).searchParams.get("redirect_uri");
  // Claude Code itself listens there.
  await fetch(await browse(fetch, { start, end, fields: { username: user, password } }));
}
process.stdout.write(said);
process.exitCode = await closed;
