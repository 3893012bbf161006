import assert from "node:assert/strict";
import { readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openHouse, differs } from "./harness.ts";

const house = await openHouse();

test("a base chosen by an argument combines what was made for each platform", async () => {
  const context = await house.context({
    Dockerfile: `FROM scratch AS amd64
COPY <<E /which
for amd64
E
FROM scratch AS arm64
COPY <<E /which
for arm64
E
FROM \${TARGETARCH}
`,
  });
  const out = await house.exported(context, ["--platform", "linux/amd64,linux/arm64"]);
  assert.equal(await readFile(join(out, "linux_amd64/which"), "utf8"), "for amd64\n");
  assert.equal(await readFile(join(out, "linux_arm64/which"), "utf8"), "for arm64\n");
});

test("arguments and variables: who wins, and every operator", async () => {
  const context = await house.context({
    Dockerfile: `ARG GLOBAL=global
FROM scratch AS base
ARG GLOBAL
ARG GIVEN=default
ARG WON=arg
ENV WON=env PATH_=foo/bar.tar.gz EMPTY=
ENV A=\${UNSET:-a} B=\${EMPTY-b} C=\${GIVEN:+c} D=\${PATH_##*/} E=\${PATH_%%.*} F=\${PATH_//o/0} G=\\$A H='$A'
ENV A=later I=$A
FROM base
ARG WON=again
COPY <<END /values
$GLOBAL $GIVEN $WON "$A" [$B] $C $D $E $F $G $H $I
END
COPY <<"END" /plain
$GLOBAL
END
`,
  });
  const out = await house.exported(context, ["--build-arg", "GIVEN=given", "--build-arg", "WON=request"]);
  assert.equal(
    await readFile(join(out, "values"), "utf8"),
    'global given request "later" [] c bar.tar.gz foo/bar f00/bar.tar.gz $A $A a\n',
  );
  assert.equal(await readFile(join(out, "plain"), "utf8"), "$GLOBAL\n");
});

test("documents: for a shell, as a program, several at once, tabs taken away, triggers with documents", async () => {
  const context = await house.context({
    Dockerfile: `# escape=\`
FROM ${house.base} AS base
ONBUILD COPY <<E /trigger
from the base
E
FROM base
RUN <<EOF
echo "shell $((1 + 1))" > /one
EOF
RUN <<EOF
#!/bin/busybox sh
echo "program $0" > /two
EOF
RUN cat <<A - <<-"B" > /three \`
  # in the middle

  && cat /three
first
A
\tsecond
\tB
`,
  });
  const out = await house.exported(context);
  assert.equal(await readFile(join(out, "trigger"), "utf8"), "from the base\n");
  assert.equal(await readFile(join(out, "one"), "utf8"), "shell 2\n");
  assert.equal(await readFile(join(out, "two"), "utf8"), "program /dev/pipes/EOF\n");
  assert.match(await readFile(join(out, "three"), "utf8"), /second\n$/);
});

test("files of Windows, and names of the built-in frontend, do no harm", {
  skip: differs("fetches the frontend that the syntax line names"),
}, async () => {
  const text = `# syntax=docker/dockerfile:1.7-labs\nFROM scratch\nCOPY <<E /a\nx\nE\nLABEL a=b \\\n  c=d\n`;
  const context = await house.context({ Dockerfile: `\ufeff${text.replaceAll("\n", "\r\n")}` });
  const out = await house.exported(context);
  assert.equal(await readFile(join(out, "a"), "utf8"), "x\r\n");
});

test("a Dockerfile of 100 MB in one line is refused in plain words, and costs the engine no memory", {
  skip: differs("about our own engine"),
}, async () => {
  const small = await house.context({ Dockerfile: "FROM scratch\nENV a=b\n" });
  await house.build(small);
  const peak = async () =>
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${house.engine()?.pid}/status`, "utf8"))?.[1]);
  const before = await peak();
  const context = await house.context({ Dockerfile: "FROM scratch\nRUN " });
  await truncate(join(context, "Dockerfile"), 100 * 1024 * 1024);
  assert.match(
    (await house.fails(context)).stderr,
    /Dockerfile is too large: 104857600 bytes, at most 4194304 are read/,
  );
  await house.build(small);
  assert.ok((await peak()) - before < 64 * 1024, `${(await peak()) - before} kB more`);
});
