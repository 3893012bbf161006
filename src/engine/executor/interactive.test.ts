import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import type { ProcessIO, RunningProcess } from "./mod.ts";
import { testsWithBed } from "./testing/mod.ts";

const { SIGTERM, SIGUSR1, SIGKILL } = constants.signals;
const encoder = new TextEncoder();

async function* typed(...texts: readonly (string | Promise<string>)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield encoder.encode(await text);
}

/** Resolves when the output holds `text`. */
function waiting(text: string): { seen: Promise<void>; onOutput: (output: string) => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    seen: promise,
    onOutput: (output) => {
      if (output.includes(text)) resolve();
    },
  };
}

await testsWithBed(import.meta.url, (bed) => {
  test("a process reads what is typed until its end", async () => {
    const { code, stdout } = await bed.run("cat; echo end", { io: { stdin: typed("one\n", "two\n") } });
    assert.equal(code, 0);
    assert.equal(stdout, "one\ntwo\nend\n");
  });

  test("a process that is sent a signal may deal with it", async () => {
    const { seen, onOutput } = waiting("ready");
    let running: RunningProcess | undefined;
    const done = bed.run("trap 'echo caught; exit 9' USR1; echo ready; while :; do sleep 0.05; done", {
      onOutput,
      io: { onStarted: (process) => (running = process) },
    });
    await seen;
    await running?.signal(SIGUSR1);
    const { code, stdout } = await done;
    assert.equal(stdout, "ready\ncaught\n");
    assert.equal(code, 9);
    await running?.signal(SIGKILL); // of no consequence
  });

  test("a process with a terminal sees it, its size, and what is typed on it", async () => {
    const { seen, onOutput } = waiting("ready");
    const { code, stdout, stderr } = await bed.run(
      "echo ready; read line; echo got $line; tty; stty size; echo err >&2; exit 3",
      {
        onOutput,
        io: {
          terminal: true,
          stdin: typed(seen.then(() => "hello\n")),
          onStarted: (process) => process.resize({ rows: 31, columns: 101 }),
        },
      },
    );
    assert.equal(stdout, "ready\r\nhello\r\ngot hello\r\n/dev/pts/0\r\n31 101\r\nerr\r\n");
    assert.equal(stderr, "");
    assert.equal(code, 3);
  });

  test("a terminal that changes its size tells, and its Ctrl-C interrupts", async () => {
    const { seen, onOutput } = waiting("ready");
    const resized = waiting("size 20 40");
    let running: RunningProcess | undefined;
    const { code, stdout } = await bed.run(
      "trap 'echo size $(stty size)' WINCH; trap 'exit 5' INT; echo ready; while :; do sleep 0.05; done",
      {
        onOutput: (text) => {
          onOutput(text);
          resized.onOutput(text);
        },
        io: {
          terminal: true,
          onStarted: (process) => (running = process),
          stdin: typed(
            seen.then(() => {
              running?.resize({ rows: 20, columns: 40 });
              return resized.seen.then(() => "\x03");
            }),
          ),
        },
      },
    );
    assert.match(stdout, /size 20 40/);
    assert.equal(code, 5);
  });

  test("a terminal takes more than the process reads without holding anybody up", async () => {
    const { stdout, code } = await bed.run("sleep 0.3; echo done", {
      io: { terminal: true, stdin: typed(`${"x".repeat(100)}\n`.repeat(1000)) },
    });
    assert.match(stdout, /done\r\n$/);
    assert.equal(code, 0);
  });

  test("more processes run in the same container, as whom and where they like, confined as the first", async () => {
    const { seen, onOutput } = waiting("ready");
    let running: RunningProcess | undefined;
    const done = bed.run("echo $$ > /tmp/pid; chmod 1777 /tmp; echo ready; read line; cat /tmp/second", {
      onOutput,
      io: { onStarted: (process) => (running = process), stdin: typed(gate()) },
    });
    const finish = Promise.withResolvers<string>();
    function gate(): Promise<string> {
      return Promise.resolve().then(() => finish.promise);
    }
    await seen;
    assert.ok(running);
    let text = "";
    const io: ProcessIO = {
      stdout: (data) => void (text += Buffer.from(data).toString()),
      stderr: (data) => void (text += Buffer.from(data).toString()),
      stdin: typed("from stdin\n"),
    };
    const signal = new AbortController().signal;
    const spec = { env: ["A=1"], cwd: "/home/ada", user: "ada", security: "sandbox" as const };
    const script =
      "cat /tmp/pid; id -u; pwd; echo $A; read l; echo $l > /tmp/second; grep Seccomp: /proc/self/status; exit 4";
    const ended = await running.exec({ ...spec, args: ["/bin/sh", "-c", script] }, io, { signal });
    assert.equal(text, "1\n1000\n/home/ada\n1\nSeccomp:\t2\n");
    assert.equal(ended.code, 4);

    text = "";
    const missing = await running.exec({ ...spec, args: ["nope"] }, { ...io, stdin: typed() }, { signal });
    assert.equal(missing.code, 127);
    assert.equal(text, "exec nope: executable file not found in $PATH: no such file or directory\n");

    text = "";
    const tty = await running.exec(
      { ...spec, args: ["/bin/sh", "-c", "stty -echo; read line; tty; stty size"] },
      { ...io, terminal: true, stdin: typed("\n"), onStarted: (process) => process.resize({ rows: 7, columns: 9 }) },
      { signal },
    );
    assert.equal(tty.code, 0);
    assert.match(text, /\/dev\/pts\/\d\r\n7 9\r\n$/);
    finish.resolve("\n");
    assert.match((await done).stdout, /from stdin\n$/);
  });

  test("cancelling one of several processes leaves the others; the first takes all with it", async () => {
    const { seen, onOutput } = waiting("ready");
    let running: RunningProcess | undefined;
    const done = bed.run("trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done", {
      onOutput,
      io: { onStarted: (process) => (running = process) },
    });
    await seen;
    assert.ok(running);
    const spec = { env: [], cwd: "/", user: "", security: "sandbox" as const };
    const io: ProcessIO = { stdout: () => undefined, stderr: () => undefined };
    const reason = new Error("enough");
    const cancelled = running.exec({ ...spec, args: ["/bin/sleep", "1000"] }, io, { signal: AbortSignal.timeout(0) });
    await assert.rejects(cancelled, { name: "TimeoutError" });
    const controller = new AbortController();
    const second = running.exec(
      { ...spec, args: ["/bin/sleep", "1001"] },
      { ...io, onStarted: () => controller.abort(reason) },
      { signal: controller.signal },
    );
    await assert.rejects(second, reason);
    const up = Promise.withResolvers<void>();
    const third = running.exec(
      { ...spec, args: ["/bin/sh", "-c", "echo up; exec sleep 1002"] },
      { ...io, stdout: () => up.resolve() },
      { signal: new AbortController().signal },
    );
    await up.promise; // a container that is ending takes nobody in
    await running.signal(SIGTERM);
    assert.equal((await done).code, 0);
    assert.notEqual((await third).code, 0);
  });
});
