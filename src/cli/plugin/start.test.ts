import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { suite, test } from "node:test";
import { interpretStart } from "./start.ts";
import { watchDocker } from "./watch-docker.ts";

const plugin = { DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: "docker" };
const start = (invokedAs: string, argv: readonly string[], env: Record<string, string> = {}) =>
  interpretStart({ invokedAs, argv, env, version: "1.2.3" });

suite("interpretStart()", () => {
  test("leaves a command line that people typed as it is", () => {
    const argv = ["build", "--debug", "."];
    assert.deepEqual(start("polyarch", argv), { type: "run", program: "polyarch", argv, env: {} });
    assert.deepEqual(start("docker-buildx", argv), { type: "run", program: "docker-buildx", argv, env: {} });
    // started by something that docker started
    assert.deepEqual(start("polyarch", argv, plugin), { type: "run", program: "polyarch", argv, env: plugin });
    assert.deepEqual(start("docker-buildx", argv, plugin), {
      type: "run",
      program: "docker-buildx",
      argv,
      env: plugin,
    });
  });
  test("takes the plugin's name off", () => {
    assert.deepEqual(start("docker-polyarch", ["polyarch", "ls", "polyarch"], plugin), {
      type: "run",
      program: "docker polyarch",
      argv: ["ls", "polyarch"],
      env: plugin,
    });
  });
  test("understands docker help", () => {
    const started = start("docker-buildx", ["-D", "help", "buildx", "build"], plugin);
    assert.deepEqual(started.type === "run" && started.argv, ["--debug", "help", "build"]);
  });
  test("turns docker's own flags into the variables that say the same", () => {
    const flags = ["--context", "buildx", "--config=/c", "-D", "--tlsverify", "--tlscacert", "/t/ca.pem"];
    const env = { ...plugin, DOCKER_HOST: "tcp://other" };
    assert.deepEqual(start("docker-buildx", [...flags, "buildx", "ls"], env), {
      type: "run",
      program: "docker buildx",
      argv: ["--debug", "ls"],
      env: {
        ...plugin,
        DOCKER_CONFIG: "/c",
        DOCKER_CONTEXT: "buildx",
        DOCKER_TLS_VERIFY: "1",
        DOCKER_CERT_PATH: "/t",
      },
    });
    const started = start("docker-buildx", ["-Hunix:///x", "buildx"], { ...plugin, DOCKER_CONTEXT: "a" });
    assert.deepEqual(started.type === "run" && started.env, { ...plugin, DOCKER_HOST: "unix:///x" });
  });
  test("refuses certificates that no variable can name", () => {
    const argv = ["--tlscert", "/t/mine.pem", "buildx", "ls"];
    const started = start("docker-buildx", argv, plugin);
    assert.match(started.type === "refused" ? started.why : "", /must be ca.pem, cert.pem and key.pem/);
  });
  test("answers docker's question by the name it was asked under", () => {
    const told = (name: string) => {
      const answer = start(name, ["docker-cli-plugin-metadata"]);
      return JSON.parse(answer.type === "answer" ? answer.text : "{}") as Record<string, string>;
    };
    assert.equal(told("docker-polyarch").SchemaVersion, "0.1.0");
    assert.equal(told("docker-polyarch").Version, "v1.2.3");
    assert.match(told("docker-buildx").Version ?? "", /^v0\.\d+\.\d+\+polyarch\.1\.2\.3$/);
    assert.deepEqual(Object.keys(told("polyarch")), ["SchemaVersion", "Vendor", "Version", "ShortDescription"]);
  });
});

test("watchDocker() tells when docker closes its socket, and only then", async () => {
  const name = `polyarch-test-${process.pid}-${Date.now()}`;
  const server = createServer();
  server.listen(`\0${name}`);
  await once(server, "listening");
  const gone = Promise.withResolvers<void>();
  const connection = once(server, "connection");
  watchDocker(`@${name}`, () => gone.resolve());
  const [socket] = (await connection) as [{ destroy(): void }];
  const first = await Promise.race([
    gone.promise.then(() => "gone"),
    new Promise((done) => setImmediate(done, "there")),
  ]);
  assert.equal(first, "there");
  socket.destroy();
  await gone.promise;
  server.close();
  watchDocker(`@${name}-not-there`, () => assert.fail("nobody was there"));
  await new Promise((resolve) => setTimeout(resolve, 20));
});
