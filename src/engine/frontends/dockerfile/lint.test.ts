import assert from "node:assert/strict";
import { test } from "node:test";
import { type LintRuleName, lintRules } from "../../../dockerfile/mod.ts";
import type { LintAnswer, OutlineAnswer, TargetsAnswer } from "../../../subrequests/mod.ts";
import { MemoryBridge } from "../testing/memory-bridge.ts";
import { dockerfileFrontend } from "./mod.ts";

const signal = new AbortController().signal;

interface Given {
  readonly options?: Readonly<Record<string, string>>;
  readonly dockerignore?: string;
}

const bridgeFor = (dockerfile: string, { options = {}, dockerignore }: Given) =>
  new MemoryBridge({
    options,
    files: { Dockerfile: dockerfile, ...(dockerignore !== undefined && { ".dockerignore": dockerignore }) },
    images: { "docker.io/library/a:latest": { config: { Env: ["PATH=/bin"] } } },
  });

async function answer(request: string, dockerfile: string, given: Given = {}): Promise<Record<string, string>> {
  const options = { requestid: request, "frontend.caps": "moby.buildkit.frontend.subrequests+forward" };
  const bridge = bridgeFor(dockerfile, { ...given, options: { ...options, ...given.options } });
  const { refs, metadata } = await dockerfileFrontend(bridge, { signal });
  assert.deepEqual(refs, []);
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, new TextDecoder().decode(value)]));
}

async function lint(dockerfile: string, given: Given = {}): Promise<LintAnswer> {
  return JSON.parse((await answer("frontend.lint", dockerfile, given))["result.json"] ?? "") as LintAnswer;
}

/** `Rule@line: message`, as found. */
const found = ({ warnings }: LintAnswer) =>
  (warnings ?? []).map(
    ({ ruleName, detail, location }) => `${ruleName}@${location?.ranges?.[0]?.start.line ?? 0}: ${detail ?? ""}`,
  );

const cases: readonly [rule: LintRuleName, dockerfile: string, finding: string | undefined, given?: Given][] = [
  ["StageNameCasing", "FROM a AS Base", "1: Stage name 'Base' should be lowercase"],
  ["StageNameCasing", "FROM a AS base", undefined],
  ["FromAsCasing", "FROM a as b", "1: 'as' and 'FROM' keywords' casing do not match"],
  ["FromAsCasing", "from a as b", undefined],
  ["NoEmptyContinuation", "FROM a\nRUN x \\\n\n  y \\\n\n z", "6: Empty continuation line"],
  ["NoEmptyContinuation", "FROM a\nRUN x \\\n# comment\n  y", undefined],
  [
    "ConsistentInstructionCasing",
    "FROM a\nRun x\nRUN y",
    "2: Command 'Run' should match the case of the command majority (uppercase)",
  ],
  [
    "ConsistentInstructionCasing",
    "from a\nrun x\nRUN y",
    "3: Command 'RUN' should match the case of the command majority (lowercase)",
  ],
  ["ConsistentInstructionCasing", "from a\nrun x", undefined],
  ["DuplicateStageName", "FROM a AS x\nFROM a AS x", '2: Duplicate stage name "x", stage names should be unique'],
  ["ReservedStageName", "FROM a AS context", '1: Stage name should not use the same name as reserved stage "context"'],
  [
    "JSONArgsRecommended",
    "FROM a\nENTRYPOINT x",
    "2: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals",
  ],
  ["JSONArgsRecommended", 'FROM a\nSHELL ["bash"]\nCMD x', undefined],
  ["JSONArgsRecommended", 'FROM a\nCMD ["x"]', undefined],
  ["MaintainerDeprecated", "FROM a\nMAINTAINER x", "2: Maintainer instruction is deprecated in favor of using label"],
  [
    "UndefinedArgInFrom",
    "ARG VERSION=a\nFROM a$VERSON",
    "2: FROM argument 'VERSON' is not declared (did you mean VERSION?)",
  ],
  ["UndefinedArgInFrom", "ARG NONE\nFROM a$NONE", undefined],
  [
    "WorkdirRelativePath",
    "FROM a\nWORKDIR x",
    '2: Relative workdir "x" can have unexpected results if the base image changes',
  ],
  ["WorkdirRelativePath", "FROM a AS x\nWORKDIR /w\nFROM x\nWORKDIR y", undefined],
  ["UndefinedVar", "FROM a\nENV FOO=1\nLABEL x=$FO", "3: Usage of undefined variable '$FO' (did you mean $FOO?)"],
  ["UndefinedVar", "FROM a\nARG NONE\nLABEL x=$NONE$PATH", undefined],
  ["UndefinedVar", "FROM a\nCOPY <<E /f\n$NOWHERE\nE", "2: Usage of undefined variable '$NOWHERE'"],
  [
    "MultipleInstructionsDisallowed",
    'FROM a\nCMD ["x"]\nCMD ["y"]',
    "2: Multiple CMD instructions should not be used in the same stage because only the last one will be used",
  ],
  ["MultipleInstructionsDisallowed", 'FROM a AS x\nCMD ["x"]\nFROM x\nCMD ["y"]', undefined],
  [
    "LegacyKeyValueFormat",
    "FROM a\nENV x y",
    '2: "ENV key=value" should be used instead of legacy "ENV key value" format',
  ],
  [
    "RedundantTargetPlatform",
    "FROM --platform=${TARGETPLATFORM} a",
    "1: Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior",
  ],
  ["RedundantTargetPlatform", "FROM --platform=$BUILDPLATFORM a", undefined],
  [
    "SecretsUsedInArgOrEnv",
    "FROM a\nARG NPM_TOKEN",
    '2: Do not use ARG or ENV instructions for sensitive data (ARG "NPM_TOKEN")',
  ],
  [
    "SecretsUsedInArgOrEnv",
    "FROM a\nENV key=1",
    '2: Do not use ARG or ENV instructions for sensitive data (ENV "key")',
  ],
  ["SecretsUsedInArgOrEnv", "FROM a\nENV PUBLIC_KEY=1 SECRET_FILE=/x MONKEY=1 TOKEN_VERSION=2", undefined],
  [
    "InvalidDefaultArgInFrom",
    "ARG TAG\nFROM a:$TAG",
    "2: Default value for ARG a:$TAG results in empty or invalid base image name",
    { options: { "build-arg:TAG": "latest" } },
  ],
  [
    "FromPlatformFlagConstDisallowed",
    "FROM --platform=linux/amd64 a",
    '1: FROM --platform flag should not use constant value "linux/amd64"',
  ],
  ["FromPlatformFlagConstDisallowed", "FROM --platform=linux/amd64 a AS build-amd64", undefined],
  [
    "CopyIgnoredFile",
    "FROM a\nCOPY dir/x /",
    '2: Attempting to Copy file "dir/x" that is excluded by .dockerignore',
    { dockerignore: "dir" },
  ],
  [
    "CopyIgnoredFile",
    "FROM a\nADD . /",
    '2: Attempting to Add file "." that is excluded by .dockerignore',
    { dockerignore: "*" },
  ],
  ["CopyIgnoredFile", "FROM a\nCOPY dir/x /", undefined, { dockerignore: "dir\n!dir/y" }],
  ["CopyIgnoredFile", "FROM a AS s\nFROM a\nCOPY --from=s dir/x /", undefined, { dockerignore: "dir" }],
  [
    "InvalidDefinitionDescription",
    "# check=experimental=InvalidDefinitionDescription\n\n# about\nFROM a AS x",
    "4: Comment for FROM should follow the format: `# x <description>`",
  ],
  ["InvalidDefinitionDescription", "# about\nFROM a AS x", undefined],
  ["InvalidDefinitionDescription", "# check=experimental=all\n\n# x about\nFROM a AS x", undefined],
  [
    "ExposeProtoCasing",
    "FROM a\nEXPOSE 80/TCP",
    "2: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
  ],
  [
    "ExposeInvalidFormat",
    "FROM a\nEXPOSE 127.0.0.1:80:80",
    "2: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'",
  ],
];

for (const [rule, dockerfile, finding, given] of cases) {
  const what = finding === undefined ? "leaves alone" : "finds";
  test(`${rule} ${what}: ${JSON.stringify(dockerfile)}`, async () => {
    const own = found(await lint(dockerfile, given)).filter((text) => text.startsWith(`${rule}@`));
    assert.deepEqual(own, finding === undefined ? [] : [`${rule}@${finding}`]);
  });
}

test("every rule but the one about images of other platforms has a case above", () => {
  const tested = new Set(cases.map(([rule]) => rule));
  assert.deepEqual(
    Object.keys(lintRules).filter((rule) => !tested.has(rule as LintRuleName)),
    ["InvalidBaseImagePlatform"],
  );
});

test("rules are skipped by the directive, by a comment above the instruction, and by the build argument before the directive", async () => {
  const body = "FROM a as b\nMAINTAINER x";
  assert.deepEqual(found(await lint(`# check=skip=all\n${body}`)), []);
  assert.equal(found(await lint(`# check=skip=FromAsCasing, x\n${body}`)).length, 1);
  assert.equal(found(await lint("FROM a as b\n# check=skip=MaintainerDeprecated\nMAINTAINER x")).length, 1);
  const options = { "build-arg:BUILDKIT_DOCKERFILE_CHECK": "skip=MaintainerDeprecated" };
  assert.equal(found(await lint(`# check=skip=all\n${body}`, { options })).length, 1);
});

test("error=true fails a build after conversion; without it, findings are warnings of the build", async () => {
  const bridge = bridgeFor("# check=error=true\nFROM a as b\nMAINTAINER x", {});
  await assert.rejects(dockerfileFrontend(bridge, { signal }), {
    message: "lint violation found for rules: FromAsCasing, MaintainerDeprecated",
  });
  assert.deepEqual(
    bridge.warnings.map(({ short, url }) => [short, url]),
    [
      [
        "FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 2)",
        "https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
      ],
      [
        "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 3)",
        "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/",
      ],
    ],
  );
});

test("all stages are checked, or those that a named target needs; several platforms warn once", async () => {
  const dockerfile = "FROM a AS x\nCMD x\nFROM a AS y";
  assert.equal(found(await lint(dockerfile)).length, 1);
  assert.equal(found(await lint(dockerfile, { options: { target: "y" } })).length, 0);
  const bridge = bridgeFor("FROM a\nCMD x", { options: { platform: "linux/amd64,linux/arm64" } });
  await dockerfileFrontend(bridge, { signal });
  assert.equal(bridge.warnings.length, 1);
});

test("lint tells with its findings why a Dockerfile cannot be built, and how it went", async () => {
  const broken = await lint("FROM a as b\nCOPY --from=c x /\nFRUM");
  assert.deepEqual(broken.buildError, {
    message: "dockerfile parse error on line 3: unknown instruction: FRUM (did you mean FROM?)",
    location: { ranges: [{ start: { line: 3 }, end: { line: 3 } }] },
  });
  assert.equal(broken.warnings?.length, 1);
  const clean = await answer("frontend.lint", "FROM a");
  assert.equal(clean["result.statuscode"], "0");
  assert.equal(clean["result.txt"], "");
  assert.equal(clean["version"], "1.0.0");
  assert.equal((await answer("frontend.lint", "FROM a as b"))["result.statuscode"], "1");
});

test("outline tells the arguments, secrets and agents of a target and of what it needs", async () => {
  const dockerfile = [
    "# BASE what to start from",
    "ARG BASE=a",
    "ARG UNUSED=1",
    "ARG TAG=$BASE",
    "FROM $TAG AS first",
    "# V the version",
    "ARG V=1",
    "RUN --mount=type=secret,id=s,required --mount=type=ssh x",
    "# last the result",
    "FROM a AS last",
    "ARG TARGETARCH",
    "COPY --from=first /x /",
  ].join("\n");
  const got = JSON.parse((await answer("frontend.outline", dockerfile))["result.json"] ?? "") as OutlineAnswer;
  const line = (number: number) => ({ ranges: [{ start: { line: number }, end: { line: number } }] });
  const { sources, ...outline } = got;
  assert.equal(Buffer.from(sources?.[0] ?? "", "base64").toString(), dockerfile);
  assert.deepEqual(outline, {
    name: "last",
    description: "the result",
    args: [
      { name: "BASE", description: "what to start from", value: "a", location: line(2) },
      { name: "TAG", value: "a", location: line(4) },
      { name: "V", description: "the version", value: "1", location: line(7) },
    ],
    secrets: [{ name: "s", required: true, location: line(8) }],
    ssh: [{ name: "default", location: line(8) }],
  });
  assert.equal(
    (await answer("frontend.outline", dockerfile))["result.txt"],
    [
      "TARGET:      last",
      "DESCRIPTION: the result",
      "",
      "BUILD ARG   VALUE   DESCRIPTION",
      "BASE        a       what to start from",
      "TAG         a       ",
      "V           1       the version",
      "",
      "SECRET   REQUIRED",
      "s        true",
      "",
      "SSH       REQUIRED",
      "default   ",
      "",
      "",
    ].join("\n"),
  );
});

test("targets lists the stages", async () => {
  const { "result.json": json = "", "result.txt": text } = await answer(
    "frontend.targets",
    "# b the binary\nFROM --platform=$BUILDPLATFORM a AS b\nFROM scratch",
  );
  assert.deepEqual(
    (JSON.parse(json) as TargetsAnswer).targets?.map(({ location: _location, ...target }) => target),
    [
      { name: "b", description: "the binary", base: "a", platform: "$BUILDPLATFORM" },
      { default: true, base: "scratch" },
    ],
  );
  assert.equal(text, "TARGET    DESCRIPTION\nb         the binary\n(default) \n");
});

test("describe lists what can be asked", async () => {
  const { "result.txt": text = "" } = await answer("frontend.subrequests.describe", "FROM a");
  assert.match(text, /^NAME {17}VERSION DESCRIPTION\noutline {14}1\.0\.0 {3}List all parameters/);
});
