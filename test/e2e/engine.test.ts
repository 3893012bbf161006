import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { processes, run } from "../lab/mod.ts";
import { endlessSleep, openHouse } from "./harness.ts";

const house = await openHouse();
const polyarchd = join(import.meta.dirname, "..", "..", "bin", "polyarchd");

/** Starts an engine by hand, and waits until it listens. */
async function startEngine(args: readonly string[]) {
  const directory = await house.directory();
  const socket = join(directory, "s.sock");
  const engine = spawn(polyarchd, ["--addr", `unix://${socket}`, "--root", join(directory, "root"), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  engine.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(engine, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  while (!existsSync(socket)) {
    assert.equal(engine.exitCode, null, log);
    await sleep(20);
  }
  return { directory, socket, engine, ended, log: () => log, env: { ...house.env, POLYARCH_SOCKET: socket } };
}

test("the engine leaves by itself when it was idle, and not before", async () => {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo begun; sleep 4\n` });
  await using undo = new AsyncDisposableStack();
  const { engine, ended, socket, env, log } = await startEngine(["--idle-timeout", "2s"]);
  undo.defer(() => void engine.kill("SIGKILL"));
  // The client may take its time to come.
  const waiting = connect(socket);
  await once(waiting, "connect");
  const [program = "", ...args] = house.commandLine(["build", "--progress=plain", context]);
  const client = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  client.stderr.on("data", (chunk: Buffer) => {
    // Longer than the time-out: an engine that works is not idle.
    if (/ begun$/m.test((said += chunk.toString()))) waiting.destroy();
  });
  assert.equal((await once(client, "close"))[0], 0, said);
  const [code] = await ended;
  assert.equal(code, 0, log());
  assert.match(log(), /stopping: idle/);
  assert.equal(existsSync(socket), false);
});

test("an engine of somebody who keeps his own files to himself makes images that everybody can use", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base}
      WORKDIR /made/here
      COPY word /copied/word
      USER nobody
      RUN cat /copied/word && cd /made/here && ls -ld / | cut -c1-10
    `,
    word: "word\n",
  });
  await house.kill();
  const line = house.commandLine(["build", "--progress=plain", context]);
  const { code, stderr } = await run("sh", ["-c", 'umask 077; exec "$@"', "sh", ...line], { env: house.env });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^#\d+ [\d.]+ word\n#\d+ [\d.]+ drwxr-xr-x$/m);
});

test("two clients share one engine, also when both find none", async () => {
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo shared\n` });
  await house.kill();
  await Promise.all([house.build(context), house.build(context)]);
  const first = house.engine()?.pid;
  assert.ok(first);
  await house.build(context);
  assert.equal(house.engine()?.pid, first);
});

test("a second engine on the same state is refused", async () => {
  await using undo = new AsyncDisposableStack();
  const first = await startEngine([]);
  undo.defer(() => void first.engine.kill("SIGKILL"));
  const second = spawn(polyarchd, [
    "--addr",
    `unix://${first.directory}/t.sock`,
    "--root",
    join(first.directory, "root"),
  ]);
  let said = "";
  second.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(second, "close")) as [number | null];
  assert.equal(code, 1);
  assert.match(said, /could not lock .*polyarchd\.lock, another instance running\?/);
});

test("told to stop, the engine lets builds end, and takes no more", async () => {
  const sleeping = endlessSleep();
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN ${sleeping} || true\n` });
  await using undo = new AsyncDisposableStack();
  const { engine, ended, env, log, socket } = await startEngine([]);
  undo.defer(() => void engine.kill("SIGKILL"));
  const building = house.build(context, [], { env });
  while (!isRunning(sleeping)) await sleep(50);
  engine.kill("SIGTERM");
  while (!log().includes("waiting for builds to end: 1 under way")) await sleep(20);
  assert.equal(existsSync(socket), false, "nobody can come in any more");
  for (const { pid } of processes().filter(({ command }) => command === sleeping)) process.kill(pid, "SIGTERM");
  await building;
  assert.equal((await ended)[0], 0, log());
});

test("told to stop twice, the engine ends what runs, leaves nothing, and starts again where it was", async () => {
  const sleeping = endlessSleep();
  const context = await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo kept\nRUN ${sleeping}\n` });
  await using undo = new AsyncDisposableStack();
  const { engine, ended, env, log } = await startEngine([]);
  undo.defer(() => void engine.kill("SIGKILL"));
  const building = house.fails(context, [], { env });
  while (!isRunning(sleeping)) await sleep(50);
  engine.kill("SIGTERM");
  engine.kill("SIGINT");
  assert.equal((await ended)[0], 0, log());
  assert.equal((await building).code, 1);
  assert.equal(isRunning(sleeping), false);
});

function isRunning(part: string): boolean {
  return processes().some(({ command }) => command.includes(part));
}
