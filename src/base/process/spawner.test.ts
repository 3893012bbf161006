import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, test } from "node:test";
import { capture, type Spawner, startSpawner } from "./mod.ts";

const dir = mkdtempSync(join(tmpdir(), "spawner-"));
const spawner: Spawner = await startSpawner();
after(async () => {
  await spawner[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

test("spawn() gives exit codes and signals, output and errors apart", async () => {
  assert.deepEqual(await capture(spawner, "sh", ["-c", "echo out; echo err >&2; exit 3"]), {
    code: 3,
    signal: null,
    bytes: Buffer.from("out\n"),
    stdout: "out\n",
    stderr: "err\n",
  });
  assert.deepEqual(await spawner.spawn("sh", ["-c", "kill -USR1 $$"]), { code: null, signal: "SIGUSR1" });
});

test("spawn() sets directory and environment, and inherits the engine's without one", async () => {
  const { stdout } = await capture(spawner, "/bin/sh", ["-c", "pwd; echo $A-$HOME"], { cwd: dir, env: { A: "1" } });
  assert.equal(stdout, `${dir}\n1-\n`);
  assert.equal((await capture(spawner, "sh", ["-c", "echo $PATH"])).stdout, `${process.env["PATH"]}\n`);
});

test("spawn() rejects as Node does when the command or the directory is missing", async () => {
  await assert.rejects(spawner.spawn("no-such-command", []), {
    code: "ENOENT",
    message: "spawn no-such-command ENOENT",
  });
  await assert.rejects(spawner.spawn("true", [], { cwd: join(dir, "none") }), { code: "ENOENT" });
  await assert.rejects(spawner.spawn("cat", [], { stdin: { file: join(dir, "none") } }), {
    code: "ENOENT",
    syscall: "open",
  });
});

test("input flows through a process, larger than any window, and comes back whole", async () => {
  const block = Buffer.alloc(300_001, 7);
  async function* blocks() {
    for (let i = 0; i < 20; i++) yield block;
  }
  let size = 0;
  await spawner.spawn("cat", [], {
    stdin: blocks(),
    onStdout: (chunk) => {
      size += chunk.byteLength;
      assert.ok(chunk.every((byte) => byte === 7));
    },
  });
  assert.equal(size, 20 * block.length);
});

test("files serve as input and output without passing through the engine", async () => {
  writeFileSync(join(dir, "in"), "bytes");
  await spawner.spawn("tr", ["a-z", "A-Z"], { stdin: { file: join(dir, "in") }, stdoutFile: join(dir, "out") });
  assert.equal(readFileSync(join(dir, "out"), "utf8"), "BYTES");
});

test("a process that does not read its input still ends", async () => {
  async function* endless() {
    for (;;) yield Buffer.alloc(1 << 16);
  }
  assert.equal((await spawner.spawn("true", [], { stdin: endless() })).code, 0);
  assert.equal((await spawner.spawn("head", ["-c", "1"], { stdin: Buffer.alloc(8 << 20) })).code, 0);
});

test("a slow reader holds the process up", async () => {
  const gate = Promise.withResolvers<void>();
  let pid = 0;
  let size = 0;
  const done = spawner.spawn("head", ["-c", "20000000", "/dev/zero"], {
    onStarted: (started) => {
      pid = started;
    },
    onStdout: async (chunk) => {
      await gate.promise;
      size += chunk.byteLength;
    },
  });
  const written = () => Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);
  let last = -1;
  for (let now = 0; now === 0 || now !== last; now = pid ? written() : 0) {
    last = now;
    await delay(50);
  }
  assert.ok(last < 4 << 20, `${last} bytes were written ahead`);
  gate.resolve();
  await done;
  assert.equal(size, 20_000_000);
});

test("aborting kills the process and what it started, and rejects with the reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  let text = "";
  const pids = Promise.withResolvers<number[]>();
  const done = spawner.spawn("sh", ["-c", "sleep 1000 & echo $$ $!; wait"], {
    signal: controller.signal,
    onStdout: (chunk) => {
      text += Buffer.from(chunk).toString();
      if (text.endsWith("\n")) pids.resolve(text.trim().split(" ").map(Number));
    },
  });
  const running = await pids.promise;
  controller.abort(reason);
  await assert.rejects(done, reason);
  for (const pid of running) await gone(pid);
  await assert.rejects(spawner.spawn("true", [], { signal: controller.signal }), reason);
});

test("what a process leaves running in its group ends with it", async () => {
  const { stdout } = await capture(spawner, "sh", ["-c", "sleep 1000 >/dev/null & echo $!"]);
  await gone(Number(stdout));
});

test("a callback that throws kills the process, and spawn() rejects with what it threw", async () => {
  const error = new Error("no room");
  await assert.rejects(
    spawner.spawn("cat", ["/dev/zero"], {
      onStdout: () => {
        throw error;
      },
    }),
    error,
  );
  await assert.rejects(capture(spawner, "cat", ["/dev/zero"], { maxBytes: 1000 }), { code: "resource_exhausted" });
});

test("many processes at once do not mix", async () => {
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) => capture(spawner, "sh", ["-c", `echo ${i}; exit ${i}`])),
  );
  assert.deepEqual(
    results.map(({ code, stdout }) => [code, stdout]),
    results.map((_, i) => [i, `${i}\n`]),
  );
});

test("when the engine is killed, its processes die and what they would leave is undone", async () => {
  const script = `
    import { startSpawner } from ${JSON.stringify(new URL("./mod.ts", import.meta.url).pathname)};
    const spawner = await startSpawner();
    await spawner.spawn("sleep", ["1000"], {
      onStarted: (pid) => console.log(pid),
      ifOrphaned: { command: "touch", args: [${JSON.stringify(join(dir, "undone"))}] },
    });`;
  const engine = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [line] = (await once(engine.stdout, "data")) as [Buffer];
  engine.kill("SIGKILL");
  await gone(Number(line.toString()));
  for (let i = 0; i < 6000 && !existsSync(join(dir, "undone")); i++) await delay(10);
  assert.ok(existsSync(join(dir, "undone")));
});

test("an idle spawner keeps no program from ending", async () => {
  const script = `import { startSpawner } from ${JSON.stringify(new URL("./mod.ts", import.meta.url).pathname)};
    const spawner = await startSpawner(); await spawner.spawn("true", []);`;
  const program = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script],
    { stdio: "inherit" },
  );
  assert.deepEqual(await once(program, "exit"), [0, null]);
});

/** Waits until the process no longer exists (or only its parent has not asked for its status yet). */
async function gone(pid: number): Promise<void> {
  assert.ok(pid > 0);
  for (let i = 0; i < 6000; i++) {
    let status: string;
    try {
      status = readFileSync(`/proc/${pid}/status`, "utf8");
    } catch {
      return;
    }
    if (/^State:\tZ/m.test(status)) return;
    await delay(10);
  }
  assert.fail(`process ${pid} is still there`);
}
