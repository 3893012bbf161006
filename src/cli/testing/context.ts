import { PassThrough } from "node:stream";
import type { CliContext } from "../context.ts";

/** A context whose output lands in strings, for tests of commands. */
export function testContext(overrides: Partial<CliContext> = {}): {
  context: CliContext;
  out: () => string;
  err: () => string;
} {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  stdout.on("data", (chunk: Buffer) => out.push(chunk));
  stderr.on("data", (chunk: Buffer) => err.push(chunk));
  const context: CliContext = {
    program: "polyarch",
    env: {},
    cwd: "/",
    home: "/dev/null/home",
    stdin: new PassThrough(),
    stdout,
    stderr,
    now: () => new Date("2026-01-02T03:04:05Z"),
    signal: new AbortController().signal,
    forwardSignals: () => ({ [Symbol.dispose]: () => undefined }),
    version: "1.2.3",
    revision: "abc",
    engineCommand: "/nonexistent/polyarchd",
    ...overrides,
  };
  return { context, out: () => Buffer.concat(out).toString(), err: () => Buffer.concat(err).toString() };
}
