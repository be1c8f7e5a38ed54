// What a user's browser does while its user logs in: it keeps cookies, follows redirects, and sends forms.

/** Redirects and forms between the first page and the end. */
const mostPages = 20;

/** Opens `start`, and goes on until an address begins with `end`, which is not opened but given. Forms are filled in
 * from `fields`, by the names of their inputs. */
export async function browse(fetch, { start, end, fields }) {
  const cookies = new Map();
  let at = new URL(start);
  let form;
  for (let pages = 0; !at.href.startsWith(end); pages += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(at, { ...form, headers: { cookie }, redirect: "manual" });
    const text = await response.text();
    for (const set of response.headers.getSetCookie()) keep(cookies, set);
    const location = response.headers.get("location");
    const next = location ? { action: location } : filled(text, fields);
    if (!next || pages === mostPages) throw new Error(`${at}: ${response.status} ${text}`);
    at = new URL(next.action, at);
    form = next.form;
  }
  return at;
}

function keep(cookies, set) {
  const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
  if (value) cookies.set(name, value);
  else cookies.delete(name);
}

/** The first form of a page, sent by its first button. */
function filled(page, fields) {
  const [start, ...rest] = tags(page, "form");
  if (!start) return undefined;
  const body = new URLSearchParams();
  for (const input of tags(page, "input")) body.set(input.name, fields[input.name] ?? input.value ?? "");
  const button = tags(page, "button").find((button) => button.name);
  if (button) body.set(button.name, button.value ?? "");
  if (rest.length > 0) throw new Error(`which form? ${page}`);
  return { action: start.action, form: { method: "POST", body } };
}

/** The attributes of each such tag. */
function tags(page, name) {
  const attributes = ([tag]) =>
    Object.fromEntries([...tag.matchAll(/\s([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, plain(value)]));
  return [...page.matchAll(new RegExp(`<${name}\\b[^>]*>`, "g"))].map(attributes);
}

function plain(value) {
  return value.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
