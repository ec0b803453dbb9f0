// What the scripts beside this one share. Run as: node -e GROUND+SCRIPT ORIGIN BINARY PASSWORD
const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const dns = require("node:dns");
const { writeFileSync } = require("node:fs");

const [origin, binary, password] = process.argv.slice(1);
const callback = "https://app.example/callback";

// `*.localhost` is loopback, which not every C library knows.
const { lookup } = dns;
dns.lookup = (host, ...rest) => lookup(host.endsWith(".localhost") ? "127.0.0.1" : host, ...rest);

/** A package of npm; without it nothing is proved, and that is said. */
function load(name) {
  try {
    return require(name);
  } catch (error) {
    if (!["MODULE_NOT_FOUND", "ERR_REQUIRE_ESM"].includes(error.code)) throw error;
    console.log(`missing ${name}: ${error.code}`);
    process.exit(0);
  }
}

/** Registers a client; gives its secret, or nothing. */
function register(id, ...words) {
  return execFileSync(binary, ["client", "add", id, ...words], { encoding: "utf8" }).trim();
}

/** Registers a client with a new key; gives the private half. */
async function registerKey(oauth, alg, id, ...words) {
  const pair = await oauth.generateKeyPair(alg, { extractable: true });
  const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const { key_ops, ext, ...key } = jwk;
  const kid = `${id}-1`;
  writeFileSync(`${id}.json`, JSON.stringify({ keys: [{ ...key, kid, alg, use: "sig" }] }));
  register(id, "--bearer", "--jwks", `${id}.json`, ...words);
  return { key: pair.privateKey, kid };
}

/** A browser: cookies, forms, and a person who knows her password. */
class Browser {
  jar = new Map();

  async go(url, form) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const body = form && { method: "POST", body: new URLSearchParams(form) };
    const answer = await fetch(url, { ...body, headers: { cookie, origin }, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
      this.jar.set(name, value);
    }
    return answer;
  }

  /** Sends the form of a page with these fields. */
  async send(path, page, fields) {
    const found = [...page.matchAll(/name="([a-z_]+)" value="([^"]*)"/g)];
    const hidden = found.map(([, name, value]) => [name, value.replaceAll("&amp;", "&")]);
    return this.go(new URL(path, origin), { ...Object.fromEntries(hidden), ...fields });
  }

  /** Follows redirects, signs in where it is asked to; gives a page, or where an answer is sent. */
  async follow(start) {
    let url = new URL(start);
    for (let step = 0; step < 8; step += 1) {
      let answer = await this.go(url);
      if (answer.status === 200) {
        const page = await answer.text();
        if (!page.includes('name="username"')) return page;
        answer = await this.send("/login", page, { username: "ada", password });
      }
      assert.strictEqual(answer.status, 303, await answer.clone().text());
      url = new URL(answer.headers.get("location"), url);
      if (url.origin !== origin) return url;
    }
    throw new Error(`no end: ${url}`);
  }

  /** The answer to an application. */
  async visit(start) {
    const url = await this.follow(start);
    assert.ok(url instanceof URL, url);
    return url;
  }

  /** Decides about a device. */
  async decide(uri, id, decision) {
    const { pathname } = new URL(uri);
    const asked = await this.send(pathname, await this.follow(uri), {});
    const page = await asked.text();
    assert.ok(asked.status === 200 && page.includes(id), page);
    assert.strictEqual((await this.send(pathname, page, { decision })).status, 200);
  }
}

/** A call that must fail, with this error code when one is named; gives the error. */
async function refused(call, code) {
  const error = await call.then(() => assert.fail("it was answered"), (error) => error);
  if (code) assert.strictEqual(error.error, code, error);
  return error;
}

function run(judge) {
  judge().then(
    () => console.log("done"),
    (error) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
}
