import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { credentialsFromDocker, loadDockerConfig, proxyVariables } from "./mod.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const signal = new AbortController().signal;

async function home(t: TestContext, config: unknown): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "polyarch-docker-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, "config.json"), typeof config === "string" ? config : JSON.stringify(config));
  return directory;
}

/** A credential helper that notes each question in `<name>.log` and answers by a shell script that has it in `$key`. */
async function helper(directory: string, name: string, script: string): Promise<void> {
  const path = join(directory, `docker-credential-${name}`);
  await writeFile(
    path,
    `#!/bin/sh\n[ "$1" = get ] || exit 9\nkey=$(cat)\necho "$key" >> "${directory}/${name}.log"\n${script}\n`,
  );
  await chmod(path, 0o755);
}

async function open(directory: string, env: Record<string, string> = {}) {
  const all = { DOCKER_CONFIG: directory, PATH: `${directory}:${process.env.PATH}`, ...env };
  return credentialsFromDocker(await loadDockerConfig(all, "/nonexistent"), { env: all });
}

test("without a file nobody is logged in", async () => {
  const config = await loadDockerConfig({}, "/nonexistent");
  assert.equal(config.path, "/nonexistent/.docker/config.json");
  assert.equal(await credentialsFromDocker(config, { env: {} }).for("ghcr.io", { signal }), undefined);
});

describe("logins in the file", () => {
  const auths = {
    "https://index.docker.io/v1/": { auth: base64("hub:pass:with:colons") },
    "127.0.0.1:5000": { auth: base64("local:secret") },
    "https://quay.io/v2/": { username: "q", password: "p" },
    "id.example": { auth: base64("00000000:"), identitytoken: "refresh" },
    "token.example": { registrytoken: "ready" },
    "empty.example": {},
  };
  const cases: [host: string, login: unknown][] = [
    ["docker.io", { username: "hub", password: "pass:with:colons" }],
    ["registry-1.docker.io", { username: "hub", password: "pass:with:colons" }],
    ["127.0.0.1:5000", { username: "local", password: "secret" }],
    ["127.0.0.1", undefined],
    ["quay.io", { username: "q", password: "p" }],
    ["id.example", { identityToken: "refresh" }],
    ["token.example", { registryToken: "ready" }],
    ["empty.example", undefined],
    ["other.example", undefined],
  ];
  for (const [host, login] of cases) {
    test(host, async (t) => {
      assert.deepEqual(await (await open(await home(t, { auths }))).for(host, { signal }), login);
    });
  }
});

test("DOCKER_AUTH_CONFIG wins over file and helper", async (t) => {
  const directory = await home(t, {
    auths: { "a.example": { auth: base64("file:1") } },
    credHelpers: { "b.example": "never" },
  });
  const env = {
    DOCKER_AUTH_CONFIG: JSON.stringify({
      auths: { "a.example": { auth: base64("env:2") }, "b.example": { auth: base64("env:3") } },
    }),
  };
  const credentials = await open(directory, env);
  assert.deepEqual(await credentials.for("a.example", { signal }), { username: "env", password: "2" });
  assert.deepEqual(await credentials.for("b.example", { signal }), { username: "env", password: "3" });
});

describe("a file of the wrong form is refused by name, without showing what it holds", () => {
  const cases: [string, RegExp][] = [
    ['{"auths": {"x": {"auth": "s3cret"', /Cannot parse Docker config file ".*config.json": not JSON/],
    ["[]", /config.json": not an object/],
    ['{"auths": []}', /auths is not an object/],
    ['{"auths": {"x": {"auth": 1}}}', /auths\["x"\].auth is not a string/],
    ['{"auths": {"x": {"auth": "s3cret"}}}', /auths\["x"\].auth is not base64 of "username:password"/],
    ['{"credHelpers": {"x": {}}}', /credHelpers\["x"\] is not a string/],
  ];
  for (const [text, message] of cases) {
    test(text, async (t) => {
      const directory = await home(t, text);
      await assert.rejects(loadDockerConfig({ DOCKER_CONFIG: directory }, "/"), (error: Error & { code?: string }) => {
        assert.equal(error.code, "invalid_argument");
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      });
    });
  }
});

describe("credential helpers", () => {
  test("the registry's own helper is asked, then that of all; each once", async (t) => {
    const directory = await home(t, { credsStore: "all", credHelpers: { "own.example": "own" } });
    await helper(directory, "all", `echo '{"ServerURL":"x","Username":"all","Secret":"1"}'`);
    await helper(directory, "own", `echo '{"ServerURL":"x","Username":"<token>","Secret":"refresh"}'`);
    const credentials = await open(directory);
    assert.deepEqual(await credentials.for("own.example", { signal }), { identityToken: "refresh" });
    assert.deepEqual(await credentials.for("docker.io", { signal }), { username: "all", password: "1" });
    await credentials.for("own.example", { signal });
    assert.equal(await readFile(join(directory, "own.log"), "utf8"), "own.example\n");
    assert.equal(await readFile(join(directory, "all.log"), "utf8"), "https://index.docker.io/v1/\n");
  });

  test("a helper that has nothing means anonymous, or what the file has", async (t) => {
    const directory = await home(t, { credsStore: "none", auths: { "b.example": { auth: base64("file:1") } } });
    await helper(directory, "none", `echo "credentials not found in native keychain"; exit 1`);
    const credentials = await open(directory);
    assert.equal(await credentials.for("a.example", { signal }), undefined);
    assert.deepEqual(await credentials.for("b.example", { signal }), { username: "file", password: "1" });
  });

  const failures: [name: string, script: string, message: RegExp][] = [
    ["fails", `echo "pass is locked" >&2; exit 3`, /docker-credential-x - err: exit status 3, out: `pass is locked`/],
    ["talks nonsense", `echo s3cret`, /its answer is not JSON/],
    ["leaves things out", `echo '{"Username":"u"}'`, /its answer lacks Username or Secret/],
  ];
  for (const [name, script, message] of failures) {
    test(`one that ${name} gives an error that says so`, async (t) => {
      const directory = await home(t, { credsStore: "x" });
      await helper(directory, "x", script);
      await assert.rejects((await open(directory)).for("a.example", { signal }), (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      });
    });
  }

  test("one that is not installed is named, with what to do", async (t) => {
    const credentials = await open(await home(t, { credsStore: "missing" }));
    await assert.rejects(credentials.for("a.example", { signal }), {
      message:
        /exec: "docker-credential-missing": executable file not found in \$PATH: install it, or remove it from Docker's config.json/,
    });
  });

  test("waiting for one ends with the signal", async (t) => {
    const directory = await home(t, { credsStore: "slow" });
    await helper(directory, "slow", "exec sleep 60");
    const reason = new Error("cancelled by the test");
    const controller = new AbortController();
    const asking = (await open(directory)).for("a.example", { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(asking, reason);
  });
});

test("proxyVariables() takes the engine's own proxies, else the default ones", async (t) => {
  const proxies = { default: { httpProxy: "http://p:1", noProxy: "a,b" }, "tcp://x": { httpsProxy: "http://q:2" } };
  const config = await loadDockerConfig({ DOCKER_CONFIG: await home(t, { proxies }) }, "/");
  assert.deepEqual(proxyVariables(config.proxies), {
    HTTP_PROXY: "http://p:1",
    http_proxy: "http://p:1",
    NO_PROXY: "a,b",
    no_proxy: "a,b",
  });
  assert.deepEqual(proxyVariables(config.proxies, "tcp://x"), { HTTPS_PROXY: "http://q:2", https_proxy: "http://q:2" });
  assert.deepEqual(proxyVariables({}), {});
});
