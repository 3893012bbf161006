import assert from "node:assert/strict";
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { credentialsFromDocker, eraseLogin, loadDockerConfig, loginKey, storeLogin } from "./mod.ts";

const { signal } = new AbortController();
const login = { username: "me", password: "p:w" };

/** A directory for Docker's settings, with this `config.json`, and a helper `lab` that writes down what it is told. */
async function settings(t: TestContext, config?: object) {
  const dir = await mkdtemp(join(tmpdir(), "polyarch-login-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const bin = join(dir, "bin");
  await mkdir(bin);
  const file = join(dir, "config.json");
  if (config) await writeFile(file, JSON.stringify(config), { mode: 0o644 });
  const program = (name: string, text: string) =>
    writeFile(join(bin, name), `#!/bin/sh\n${text}\n`).then(() => chmod(join(bin, name), 0o755));
  await program("docker-credential-lab", `{ echo "$1"; cat; echo; } >> ${dir}/told`);
  return {
    place: { env: { DOCKER_CONFIG: dir, PATH: `${bin}:/usr/bin:/bin` }, home: "/nonexistent", signal },
    file,
    program,
    read: async () => JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>,
    told: () => readFile(join(dir, "told"), "utf8"),
  };
}

test("a login is kept in config.json, for its owner's eyes, beside everything that was there", async (t) => {
  const { place, file, read } = await settings(t, { mine: [1], auths: { other: { auth: "YTpi" } } });
  assert.deepEqual(await storeLogin("host:5000", login, place), { type: "file", path: file, isNew: true });
  assert.deepEqual(await storeLogin("host:5000", login, place), { type: "file", path: file, isNew: false });
  const auth = Buffer.from("me:p:w").toString("base64");
  assert.deepEqual(await read(), { mine: [1], auths: { other: { auth: "YTpi" }, "host:5000": { auth } } });
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const credentials = credentialsFromDocker(await loadDockerConfig(place.env, place.home), place);
  assert.deepEqual(await credentials.for("host:5000", { signal }), login);
});

test("an identity token is kept in place of the password", async (t) => {
  const { place, read } = await settings(t);
  await storeLogin("host", { username: "me", identityToken: "tok" }, place);
  const auth = Buffer.from("me:").toString("base64");
  assert.deepEqual(await read(), { auths: { host: { auth, identitytoken: "tok" } } });
});

test("a config.json that is a link stays one", async (t) => {
  const { place, file } = await settings(t);
  await writeFile(`${file}.real`, "{}");
  await symlink(`${file}.real`, file);
  await storeLogin("host", login, place);
  assert.equal((await lstat(file)).isSymbolicLink(), true);
  assert.match(await readFile(`${file}.real`, "utf8"), /"host"/);
});

test("a config.json that makes no sense is refused and left as it is", async (t) => {
  const { place, file } = await settings(t);
  await writeFile(file, "{ half");
  await assert.rejects(storeLogin("host", login, place), { code: "invalid_argument", message: /Cannot parse Docker/ });
  assert.equal(await readFile(file, "utf8"), "{ half");
});

test("helpers are told to store and to erase, and the file names only the registry", async (t) => {
  const { place, read, told } = await settings(t, { credsStore: "lab" });
  assert.deepEqual(await storeLogin("host", login, place), { type: "helper", helper: "lab" });
  assert.deepEqual(await read(), { credsStore: "lab", auths: { host: {} } });
  await storeLogin("other", { username: "me", identityToken: "tok" }, place);
  await eraseLogin(["host"], place);
  assert.deepEqual(await read(), { credsStore: "lab", auths: { other: {} } });
  assert.deepEqual((await told()).trim().split("\n"), [
    "store",
    '{"ServerURL":"host","Username":"me","Secret":"p:w"}',
    "store",
    '{"ServerURL":"other","Username":"<token>","Secret":"tok"}',
    "erase",
    "host",
  ]);
});

test("a helper that fails is named, and nothing is written", async (t) => {
  const { place, program, read } = await settings(t, { credHelpers: { host: "bad" } });
  await program("docker-credential-bad", "echo no keyring; exit 3");
  await assert.rejects(storeLogin("host", login, place), {
    message: 'error storing credentials for "host" with docker-credential-bad - err: exit status 3, out: `no keyring`',
  });
  assert.deepEqual(await read(), { credHelpers: { host: "bad" } });
});

test("the first login goes to the helper that Docker would take, which is then written down", async (t) => {
  const { place, program, read, told } = await settings(t);
  await program("pass", "");
  await program("docker-credential-pass", `exec ${place.env.DOCKER_CONFIG}/bin/docker-credential-lab "$@"`);
  assert.deepEqual(await storeLogin("host", login, place), { type: "helper", helper: "pass" });
  assert.deepEqual(await read(), { credsStore: "pass", auths: { host: {} } });
  assert.match(await told(), /^store/);
});

test("logins are filed under hosts, Docker Hub's under its URL", () => {
  const hub = "https://index.docker.io/v1/";
  const table = [
    ["", hub],
    ["docker.io", hub],
    [hub, hub],
    ["host:5000", "host:5000"],
    ["https://host:5000/v2/", "host:5000"],
    ["host/path", "host"],
  ] as const;
  for (const [typed, key] of table) assert.equal(loginKey(typed), key);
});
