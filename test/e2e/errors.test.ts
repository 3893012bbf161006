import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import { startRegistry } from "../lab/mod.ts";
import { openHouse, differs } from "./harness.ts";

const house = await openHouse();
const { host } = house.registry;

/** A mistake, and what is said about it: always on stderr, once, with exit code 1 and within seconds. */
interface Mistake {
  readonly name: string;
  readonly dockerfile: string;
  readonly args?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly says: readonly RegExp[];
  /** The Dockerfile's line that the excerpt points at. */
  readonly line?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** What another engine says instead. */
  readonly differs?: string;
}

const from = `FROM ${house.base}`;
const push = (name: string) => ["-t", `${host}/${name}:latest`, "--push"];

const mistakes: readonly Mistake[] = [
  {
    name: "an unknown instruction, with what was probably meant",
    dockerfile: `${from}\nCPY a b\n`,
    says: [/dockerfile parse error on line 2: unknown instruction: CPY \(did you mean COPY\?\)/],
    line: 2,
  },
  {
    name: "an unknown flag of an instruction",
    dockerfile: `${from}\nCOPY --chwon=1 a b\n`,
    says: [/unknown flag: --chwon \(did you mean chown\?\)|unknown flag: --chwon/],
    line: 2,
  },
  {
    name: "a missing COPY source",
    dockerfile: `${from}\n\nCOPY not-there.txt /\n`,
    args: push("missing-source"),
    says: [/"\/not-there\.txt": not found/],
    line: 3,
  },
  {
    name: "a missing file in another stage",
    dockerfile: `${from} AS one\n${from}\nCOPY --from=one /nothing/here /\n`,
    says: [/"\/nothing\/here": not found|lstat \/nothing\/here: no such file or directory/],
    line: 3,
  },
  {
    name: "an unknown stage as target",
    dockerfile: `${from} AS final\n`,
    args: ["--target", "finale"],
    says: [/target stage "finale" could not be found( \(did you mean final\?\))?/],
  },
  {
    name: "an unknown platform",
    dockerfile: `${from}\n`,
    args: ["--platform", "linux/amd46/x/y"],
    says: [/linux\/amd46\/x\/y/],
  },
  {
    name: "a platform that the base image does not have",
    dockerfile: `${from}\nRUN true\n`,
    args: ["--platform", "linux/mips64le", ...push("no-platform")],
    says: [/no match for platform in manifest/, /mips64le/],
    differs: "does not say which platform it is",
    line: 1,
  },
  {
    name: "a base image that does not exist",
    dockerfile: `FROM ${host}/no-such-image:latest\n`,
    says: [/no-such-image:latest: not found/],
    line: 1,
  },
  {
    name: "a name that is none",
    dockerfile: "FROM Not/A/Name\n",
    says: [/invalid reference format|repository name must be lowercase/],
    line: 1,
  },
  {
    name: "a tag that is none",
    dockerfile: `${from}\n`,
    args: ["-t", "UPPER CASE", "-o", "type=cacheonly"],
    says: [/invalid (reference format|tag "UPPER CASE")/],
  },
  {
    name: "a base name that is blank",
    dockerfile: "ARG BASE\nFROM ${BASE}\n",
    says: [/base name \(\$\{BASE\}\) should not be blank/],
    line: 2,
  },
  {
    name: "an empty Dockerfile",
    dockerfile: "",
    says: [/the Dockerfile cannot be empty|file with no instructions/],
  },
  {
    name: "no stage at all",
    dockerfile: "RUN true\n",
    says: [/no build stage in current context/],
    line: 1,
  },
  {
    name: "a RUN that fails, with its last lines and its exit code",
    dockerfile: `${from}\nRUN echo doing; echo problem >&2; exit 42\n`,
    args: push("failing-run"),
    says: [
      /process "\/bin\/sh -c echo doing; echo problem >&2; exit 42" did not complete successfully: exit code: 42/,
      /^ > \[.*\] RUN echo doing/m,
      /^\d+\.\d+ problem$/m,
    ],
    line: 2,
  },
  {
    name: "a program that is not there",
    dockerfile: `${from}\nRUN no-such-program\n`,
    says: [/no-such-program: not found/, /exit code: 127/],
    line: 2,
  },
  {
    name: "a missing Dockerfile",
    dockerfile: `${from}\n`,
    args: ["-f", "/nonexistent/Dockerfile"],
    says: [/failed to read dockerfile: open .*Dockerfile: no such file or directory|\/nonexistent/],
  },
  {
    name: "an unreachable registry of the base image",
    dockerfile: "FROM 127.0.0.1:1/busybox:latest\n",
    says: [/127\.0\.0\.1:1\b/, /ECONNREFUSED|connection refused/],
    line: 1,
  },
  {
    name: "an unreachable registry to push to",
    dockerfile: `${from}\nCMD ["x"]\n`,
    args: ["-t", "127.0.0.1:1/hello:latest", "--push"],
    says: [/failed to push 127\.0\.0\.1:1\/hello:latest/, /ECONNREFUSED|connection refused/],
  },
  {
    name: "stages that need each other",
    dockerfile: `FROM ${house.base} AS a\nCOPY --from=b /x /\nFROM ${house.base} AS b\nCOPY --from=a /x /\n`,
    args: ["--target", "b"],
    says: [/circular dependency detected on stage: [ab]|needs to be defined before current stage/],
  },
];

for (const mistake of mistakes) {
  test(`the error for ${mistake.name}`, {
    skip: mistake.differs === undefined ? false : differs(mistake.differs),
  }, async () => {
    const context = await house.context({ "present.txt": "here", ...mistake.files, Dockerfile: "" });
    await (await import("node:fs/promises")).writeFile(`${context}/Dockerfile`, mistake.dockerfile);
    const before = (await house.registry.requests()).length;
    const { stderr, stdout, code, ms } = await house.fails(context, mistake.args ?? [], { timeoutMs: 180_000 });
    assert.equal(code, 1, stderr);
    assert.equal(stdout, "");
    for (const words of mistake.says) assert.match(stderr, words);
    assert.equal((stderr.match(/^ERROR: /gm) ?? []).length, 1, `one error, once:\n${stderr}`);
    assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+\)?$/m, "no stack trace");
    if (mistake.line !== undefined) {
      assert.match(stderr, new RegExp(`^Dockerfile:${mistake.line}$`, "m"));
      assert.match(stderr, new RegExp(`^ +${mistake.line} \\| >>> `, "m"));
    }
    assert.ok(ms < 45_000, `took ${ms} ms`);
    const writes = (await house.registry.requests()).slice(before).filter(({ method }) => method === "PUT");
    assert.deepEqual(writes, [], "nothing is pushed by half");
    await house.settled();
  });
}

describe("mistakes on the command line", () => {
  const cases: [name: string, args: string[], says: RegExp][] = [
    ["an unknown flag", ["build", "--platfrom", "linux/amd64", "."], /unknown flag: --platfrom/],
    ["an unknown short flag", ["build", "-Z", "."], /unknown shorthand flag: 'Z' in -Z/],
    ["an unknown command", ["biuld", "."], /unknown command: "biuld"/],
    ["no context", ["build"], /requires (exactly )?1 argument/],
    [
      "a context that is not there",
      ["build", "/nonexistent/context"],
      /unable to prepare context: path "\/nonexistent\/context" not found/,
    ],
    ["a bad progress mode", ["build", "--progress=fancy", "."], /invalid progress mode fancy/],
    ["a bad boolean", ["build", "--push=perhaps", "."], /invalid argument "perhaps" for "--push"/],
    ["a repository that cannot be fetched", ["build", "https://127.0.0.1:1/repo.git"], /git/],
    ["nothing on stdin where the context should be", ["build", "-"], /the Dockerfile cannot be empty/],
    ["a builder that does not exist", ["build", "--builder", "nobody", "."], /no builder "nobody" found/],
  ];
  for (const [name, args, says] of cases) {
    test(name, async () => {
      const done = await house.polyarch(args, { cwd: await house.context({ Dockerfile: "FROM scratch\n" }) });
      assert.equal(done.code, 1, done.stderr);
      assert.match(done.stderr, says);
      assert.match(done.stderr, /^ERROR: /m);
      assert.ok(done.ms < 45_000);
    });
  }
});

describe("a registry that refuses", () => {
  test("the base image of a registry that wants a login", async () => {
    await using closed = await startRegistry({ users: true });
    const context = await house.context({ Dockerfile: `FROM ${closed.host}/private:latest\n` });
    const { stderr, code } = await house.fails(context);
    assert.equal(code, 1);
    assert.match(stderr, /authorization|unauthorized|authentication required/i);
    assert.match(stderr, /^Dockerfile:1$/m);
  });

  test("an answer of 500, after a few tries and with the server's words", async () => {
    let asked = 0;
    const broken = createServer((request, response) => {
      if (request.url === "/v2/") return void response.end("{}");
      asked += 1;
      response.writeHead(500, { "content-type": "application/json" });
      response.end('{"errors":[{"code":"UNKNOWN","message":"the disk is full"}]}');
    });
    await new Promise<void>((resolve) => broken.listen(0, "127.0.0.1", resolve));
    after(() => broken.close());
    const { port } = broken.address() as AddressInfo;
    const context = await house.context({ Dockerfile: `${from}\nCMD ["x"]\n` });
    const { stderr, code, ms } = await house.fails(context, ["-t", `127.0.0.1:${port}/x:latest`, "--push"]);
    assert.equal(code, 1);
    assert.match(stderr, /500/);
    assert.ok(asked > 0 && asked < 60, `asked ${asked} times`);
    assert.ok(ms < 120_000);
    await house.settled();
  });
});
