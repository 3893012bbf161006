import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startTestRegistry } from "../../src/registry/testing/mod.ts";
import { must, registryUser } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

const house = await openHouse({ users: true });
const { host } = house.registry;
const { username, password } = registryUser;
const context = await house.context({ Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });

/** A directory for DOCKER_CONFIG: what the house has there, with `more`. */
async function dockerConfig(more: object): Promise<string> {
  const dir = await house.directory();
  const own = JSON.parse(await readFile(join(house.env["DOCKER_CONFIG"] ?? "", "config.json"), "utf8"));
  await writeFile(join(dir, "config.json"), JSON.stringify({ ...own, ...more }));
  return dir;
}

async function pushed(name: string): Promise<void> {
  const credentials = ["--creds", `${username}:${password}`, "--tls-verify=false"];
  await must("skopeo", ["inspect", ...credentials, "--raw", `docker://${name}`]);
}

test("a push without a login is refused, and the error says what the registry said", async () => {
  const { stderr, code } = await house.fails(context, ["-t", `${host}/refused:latest`, "--push"]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`failed to push ${host}/refused:latest`));
  assert.match(stderr, /authorization|unauthorized|authentication required|no basic auth credentials/i);
});

test("a login in config.json is used, to push and to pull", async () => {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  const env = { DOCKER_CONFIG: await dockerConfig({ auths: { [host]: { auth } } }) };
  const image = `${host}/from-config:latest`;
  await house.build(context, ["-t", image, "--push"], { env });
  await pushed(image);
  const on = await house.context({ Dockerfile: `FROM ${image}\nCOPY b /\n`, b: "b" });
  await house.build(on, ["-t", `${host}/on-it:latest`, "--push"], { env });
  await pushed(`${host}/on-it:latest`);
});

test("a credential helper is asked, and what it says is used", async () => {
  const bin = await house.directory();
  const helper = join(bin, "docker-credential-lab");
  const answer = JSON.stringify({ ServerURL: host, Username: username, Secret: password });
  await writeFile(
    helper,
    `#!/bin/sh\n[ "$1" = get ] && server=$(cat) && [ "$server" = ${host} ] && echo '${answer}'\n`,
  );
  await chmod(helper, 0o755);
  const env = {
    PATH: `${bin}:${process.env["PATH"]}`,
    DOCKER_CONFIG: await dockerConfig({ credHelpers: { [host]: "lab" } }),
  };
  const image = `${host}/from-helper:latest`;
  await house.build(context, ["-t", image, "--push"], { env });
  await pushed(image);
});

test("a wrong password is refused and not tried for ever", async () => {
  const auth = Buffer.from(`${username}:wrong`).toString("base64");
  const env = { DOCKER_CONFIG: await dockerConfig({ auths: { [host]: { auth } } }) };
  await mkdir(env.DOCKER_CONFIG, { recursive: true });
  const { stderr, code, ms } = await house.fails(context, ["-t", `${host}/wrong:latest`, "--push"], { env });
  assert.equal(code, 1);
  assert.match(stderr, /authorization|unauthorized|authentication required|denied/i);
  assert.ok(ms < 60_000);
});

test("builds of one user share the tokens that his client fetches, and nobody else gets them", async () => {
  const users = { ann: "ann's", bob: "bob's" };
  await using registry = await startTestRegistry({ auth: { type: "bearer", users } });
  const configOf = async (user: keyof typeof users) => {
    const auth = Buffer.from(`${user}:${users[user]}`).toString("base64");
    return await dockerConfig({ auths: { [registry.host]: { auth } } });
  };
  const [ann, bob] = [await configOf("ann"), await configOf("bob")];
  const image = `${registry.host}/shared:latest`;
  await house.build(context, ["-t", image, "--push"], { env: { DOCKER_CONFIG: ann } });
  const on = await house.context({ Dockerfile: `FROM ${image}\nCOPY b /\n`, b: "b" });
  const asks = async (config: string, more: Readonly<Record<string, string>> = {}) => {
    const before = registry.requests.length;
    await house.build(on, ["--pull", "-o", "type=cacheonly"], { env: { DOCKER_CONFIG: config, ...more } });
    const paths = registry.requests.slice(before).map(({ path }) => path);
    assert.ok(paths.includes("/v2/shared/manifests/latest"));
    return paths.filter((path) => path.startsWith("/token")).length;
  };
  await asks(ann);
  assert.equal(await asks(ann), 0);
  assert.deepEqual(Object.keys(JSON.parse(await readFile(join(ann, ".token_seed"), "utf8"))), [registry.host]);
  assert.equal(await asks(bob), 1);
  assert.equal(await asks(bob), 0);
  registry.revokeTokens();
  assert.equal(await asks(ann), 1);
  assert.ok((await asks(ann, { BUILDKIT_NO_CLIENT_TOKEN: "1" })) > 0, "the engine fetches one itself");
});
