import assert from "node:assert/strict";
import { test } from "node:test";
import { BuildError } from "../../base/errors/mod.ts";
import { formatDurationNs, parseDockerfile, parseInstructions, resolveMount } from "../mod.ts";
import { parseMountText } from "./mounts.ts";

const parse = (text: string) =>
  parseInstructions(parseDockerfile(new TextEncoder().encode(text), { filename: "Dockerfile" }));

function failure(text: string): BuildError {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof BuildError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `parsed: ${text.slice(0, 80)}` });
}

/** Found while cutting into words: there BuildKit does not put the line into the message. The place has it. */
const cutting = new Set([
  "ENV must have two arguments",
  `Syntax error - can't find = in "y". Must be of the form: name=value`,
  "when using JSON array syntax, arrays must be comprised of strings only",
  "no build stage in current context",
  "unterminated heredoc",
  "invalid escape token 'x' does not match ` or \\",
  "only one escape parser directive can be used",
  "dockerfile line greater than max allowed size of 65535",
]);

test("mistakes are told in BuildKit's words, with the line", () => {
  const table: [text: string, line: number, message: string][] = [
    ["FROM a\nFRUM b", 2, "unknown instruction: FRUM (did you mean FROM?)"],
    ["FROM a\ncpoy . .", 2, "unknown instruction: cpoy (did you mean copy?)"],
    ["FROM a\nXYZZY", 2, "unknown instruction: XYZZY"],
    ["FROM a\nCOPY --form=b . .", 2, "unknown flag: --form (did you mean from?)"],
    ["FROM a\nCOPY --chown . .", 2, "missing a value on flag: --chown"],
    ["FROM a\nCOPY --link=x . .", 2, "expecting boolean value for flag --link, not: x"],
    ["FROM a\nCOPY --chown=a --chown=b . .", 2, "duplicate flag specified: --chown"],
    [
      "FROM a\nCOPY .",
      2,
      "COPY requires at least two arguments, but only one was provided. Destination could not be determined",
    ],
    ["FROM a\nCOPY a <<EOF\nEOF", 2, "COPY cannot accept a heredoc as a destination"],
    ["FROM a b", 1, "FROM requires either one or three arguments"],
    ["FROM a as 1b", 1, 'invalid name for build stage: "1b", name can\'t start with a number or contain symbols'],
    ["RUN x", 1, "no build stage in current context"],
    ["FROM a\nENV x", 2, "ENV must have two arguments"],
    ["FROM a\nENV x=1 y", 2, `Syntax error - can't find = in "y". Must be of the form: name=value`],
    ["FROM a\nENV", 2, "ENV requires at least one argument"],
    ["FROM a\nENV =x", 2, "ENV names can not be blank"],
    ["FROM a\nARG", 2, "ARG requires at least one argument"],
    ["FROM a\nARG =1", 2, "ARG names can not be blank"],
    ["FROM a\nWORKDIR", 2, "WORKDIR requires exactly one argument"],
    ["FROM a\nUSER", 2, "USER requires exactly one argument"],
    ["FROM a\nSHELL sh", 2, "SHELL requires the arguments to be in JSON form"],
    ["FROM a\nSHELL []", 2, "SHELL requires at least one argument"],
    ['FROM a\nVOLUME [""]', 2, "VOLUME specified can not be an empty string"],
    ["FROM a\nVOLUME", 2, "VOLUME requires at least one argument"],
    ['FROM a\nRUN ["a", 1]', 2, "when using JSON array syntax, arrays must be comprised of strings only"],
    ["FROM a\nRUN --network=x y", 2, 'invalid network mode "x"'],
    ["FROM a\nRUN --security=x y", 2, 'security "x" is not valid'],
    ["FROM a\nRUN --device=a,requird=1 y", 2, "unexpected key 'requird' in 'requird=1' (did you mean required?)"],
    ["FROM a\nRUN --device=a,name=b y", 2, "device name already set to a"],
    ["FROM a\nRUN --device=a,required=x y", 2, "invalid value for required: x"],
    ["FROM a\nRUN --mount=from=$x y", 2, "'from' doesn't support variable expansion, define alias stage instead"],
    ["FROM a\nHEALTHCHECK", 2, "HEALTHCHECK requires at least one argument"],
    ["FROM a\nHEALTHCHECK NONE x", 2, "HEALTHCHECK NONE takes no arguments"],
    ["FROM a\nHEALTHCHECK CMD", 2, "Missing command after HEALTHCHECK CMD"],
    ["FROM a\nHEALTHCHECK x", 2, 'Unknown type "X" in HEALTHCHECK (try CMD)'],
    ["FROM a\nHEALTHCHECK --interval=1us CMD x", 2, 'Interval "interval" cannot be less than 1ms'],
    ["FROM a\nHEALTHCHECK --retries=-1 CMD x", 2, "--retries cannot be negative (-1)"],
    ["FROM a\nHEALTHCHECK --timeout=x CMD x", 2, 'time: invalid duration "x"'],
    ["FROM a\nONBUILD", 2, "ONBUILD requires at least one argument"],
    ["FROM a\nONBUILD ONBUILD RUN x", 2, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ["FROM a\nONBUILD FROM x", 2, "FROM isn't allowed as an ONBUILD trigger"],
    ["FROM a\nRUN <<EOF\nx", 2, "unterminated heredoc"],
    ["# escape=x\nFROM a", 1, "invalid escape token 'x' does not match ` or \\"],
    ["# escape=`\n# escape=`\nFROM a", 2, "only one escape parser directive can be used"],
    [`FROM a\nRUN ${"x".repeat(65_532)}`, 2, "dockerfile line greater than max allowed size of 65535"],
  ];
  for (const [text, line, message] of table) {
    const error = failure(text);
    assert.equal(error.message, cutting.has(message) ? message : `dockerfile parse error on line ${line}: ${message}`);
    assert.equal(error.location?.start.line, line, message);
    // Of a file with a line that is too long, what stands above it is enough.
    const { text: shown = "" } = error.location;
    assert.ok(message.startsWith("dockerfile line greater") ? text.startsWith(shown) : shown === text, message);
    assert.equal(error.code, "unknown");
  }
});

test("a file without stages is refused", () => {
  assert.equal(failure("").message, "the Dockerfile cannot be empty");
  assert.equal(failure("# only\n# comments\n").message, "file with no instructions");
  assert.equal(failure("ARG x").message, "dockerfile contains no stages to build");
});

test("a byte order mark and line breaks of Windows do no harm", () => {
  const { stages } = parse("\uFEFFFROM a\r\nRUN b\r\n");
  assert.equal(stages[0]?.from.base, "a");
  assert.deepEqual(stages[0].instructions[0]?.source, "RUN b");
});

test("a hostile file of a megabyte is read in linear time", () => {
  const start = process.cpuUsage().user;
  const blanks = " ".repeat(65_000);
  parse(
    `FROM a\nRUN a${blanks}b\nRUN c${"\r".repeat(65_000)}d\n${"#x\n".repeat(300_000)}RUN e${"\\\n".repeat(100_000)}f\n`,
  );
  parse(
    `FROM a\nRUN ${"[".repeat(60_000)}\nENV a=${"\\\\".repeat(30_000)}\nCOPY ${"<<a ".repeat(15_000)} b\n${"a\n".repeat(15_000)}`,
  );
  assert.ok(process.cpuUsage().user - start < 5_000_000);
});

test("mounts are understood once variables are known", () => {
  const resolve = (text: string) => resolveMount(parseMountText(text), (word) => word.replace("$T", "/target"));
  const bind = resolve("target=$T,source=a,rw");
  assert.deepEqual([bind.type, bind.target, bind.source, bind.readonly], ["bind", "/target", "a", false]);
  assert.equal(resolve("target=/x").readonly, true);
  const cache = resolve("type=cache,dst=/c,sharing=locked,mode=0700,uid=5");
  assert.deepEqual([cache.sharing, cache.mode, cache.uid, cache.readonly], ["locked", 0o700, 5, false]);
  assert.equal(resolve("type=tmpfs,target=/t,size=64m").sizeBytes, 64 * 1024 * 1024);
  const table: [text: string, message: string][] = [
    ["tyep=bind", "unexpected key 'tyep' in 'tyep=bind' (did you mean type?)"],
    ["type=chace", 'unsupported mount type "chace" (did you mean cache?)'],
    ["type=cache,sharing=x", 'unsupported sharing value "x"'],
    ["target", "invalid field 'target' must be a key=value pair"],
    ["size=1", "unexpected key 'size' for mount type 'bind'"],
    ["ro=x", "invalid value for ro: x"],
    ["type=cache,mode=9", "invalid value 9 for mode"],
    ["target=/a,uid=1", 'uid not allowed for "bind" type mounts'],
    ["target=/a,sharing=shared", "invalid cache sharing set for bind mount"],
    ["type=secret", "invalid secret mount. one of source, target required"],
    ["type=secret,id=a,from=b", "secret mount should not have a from"],
    ["type=secret,id=a,source=b", "both source and id can't be set"],
    ["required", "unexpected key 'required' for mount type 'bind'"],
  ];
  for (const [text, message] of table) assert.throws(() => resolve(text), { message }, text);
});

test("formatDurationNs() writes as Go does", () => {
  const table: [ns: number, want: string][] = [
    [0, "0s"],
    [1, "1ns"],
    [1500, "1.5µs"],
    [30e6, "30ms"],
    [1.5e9, "1.5s"],
    [90e9, "1m30s"],
    [3600e9, "1h0m0s"],
    [3661.25e9, "1h1m1.25s"],
  ];
  for (const [ns, want] of table) assert.equal(formatDurationNs(ns), want);
});
