import assert from "node:assert/strict";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { must, registryUser } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";
import { openScreen } from "./screen.ts";

const house = await openHouse({ users: true });
const { host } = house.registry;
const { username, password } = registryUser;
const context = await house.context({ Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
const push = ["-t", `${host}/app:1`, "--push"];
const withStdin = (dir: string, stdin: string, server = host) =>
  house.polyarch(["login", "-u", username, "--password-stdin", server], { env: { DOCKER_CONFIG: dir }, stdin });

test("what a login gives, builds and other tools use, until the logout", async () => {
  const dir = await house.directory();
  const env = { DOCKER_CONFIG: dir };
  const { code, stdout, stderr } = await withStdin(dir, `${password}\n`, `http://${host}/v2/`);
  assert.deepEqual([code, stdout], [0, "Login Succeeded\n"]);
  const file = join(dir, "config.json");
  assert.match(stderr, new RegExp(`^WARNING! Your credentials are stored unencrypted in '${file}'.$`, "m"));
  assert.equal((await stat(file)).mode & 0o777, 0o600);

  await house.build(context, push, { env });
  await must("skopeo", ["inspect", "--authfile", file, "--tls-verify=false", "--raw", `docker://${host}/app:1`]);
  const again = await house.polyarch(["login", host], { env });
  assert.deepEqual([again.code, again.stdout], [0, "Login Succeeded\n"]);
  assert.match(again.stderr, /^Authenticating with existing credentials\.\.\. \[Username: tester\]$/m);

  const out = await house.polyarch(["logout", host], { env });
  assert.deepEqual([out.code, out.stdout], [0, `Removing login credentials for ${host}\n`]);
  assert.deepEqual(JSON.parse(await readFile(file, "utf8")), { auths: {} });
  await house.fails(context, push, { env });
});

test("a wrong password is refused, in docker's words, and nothing is kept", async () => {
  const dir = await house.directory();
  const { code, stdout, stderr } = await withStdin(dir, "wrong");
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, new RegExp(`^ERROR: login attempt to http://${host}/v2/ failed with status: 401 Unauthorized`));
  await assert.rejects(readFile(join(dir, "config.json")), { code: "ENOENT" });
});

test("flags that contradict each other, and questions without a terminal, are refused in docker's words", async () => {
  for (const [args, want] of [
    [
      ["-u", "a", "-p", "b", "--password-stdin"],
      "conflicting options: cannot specify both --password and --password-stdin",
    ],
    [["--password-stdin"], "the --password-stdin option requires --username to be set"],
    [["-u", ""], "username is empty"],
    [["-u", "a", "-p", ""], "password is empty"],
    [["-u", "a"], "Cannot perform an interactive login from a non TTY device"],
  ] as const) {
    const { code, stderr } = await house.polyarch(["login", ...args, host]);
    assert.deepEqual([code, stderr], [1, `ERROR: ${want}\n`]);
  }
});

test("on a terminal it asks, and does not show the password", async () => {
  const dir = await house.directory();
  const screen = openScreen(house.commandLine(["login", host]), { ...house.env, DOCKER_CONFIG: dir });
  await screen.saw("Username: ");
  screen.type(`${username}\r`);
  await screen.saw("Password: ");
  screen.type(`${password}\r`);
  assert.equal(await screen.exit, 0, screen.shown());
  const shown = screen.shown();
  assert.match(shown, /Username: [\s\S]*Password: [\s\S]*Login Succeeded/);
  assert.doesNotMatch(shown.slice(shown.indexOf("Password:")), new RegExp(password));
});

test("a helper keeps the login, and gives it to a build", async () => {
  const dir = await house.directory();
  const helper = join(dir, "docker-credential-lab");
  await writeFile(
    helper,
    `#!/bin/sh\ncase $1 in store) cat > ${dir}/kept;; get) cat >/dev/null; cat ${dir}/kept;; erase) rm -f ${dir}/kept;; esac\n`,
  );
  await chmod(helper, 0o755);
  await writeFile(join(dir, "config.json"), '{"credsStore":"lab"}');
  const env = { DOCKER_CONFIG: dir, PATH: `${dir}:${process.env["PATH"]}` };
  const args = ["login", "-u", username, "--password-stdin", host];
  const { code, stderr } = await house.polyarch(args, { env, stdin: password });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    (await readFile(join(dir, "config.json"), "utf8")).includes(
      Buffer.from(`${username}:${password}`).toString("base64"),
    ),
    false,
  );
  await house.build(context, push, { env });
});
