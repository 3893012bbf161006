import assert from "node:assert/strict";
import { test } from "node:test";
import { imageConfig, openHouse } from "./harness.ts";

const house = await openHouse();

test("every instruction that describes a container is in the image's configuration", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base}
      MAINTAINER Somebody <somebody@example.org>
      ENV WORD=value OTHER="with space" \\
          THIRD=$WORD
      LABEL org.example.one=1 org.example.two="two words"
      WORKDIR /work
      WORKDIR here
      USER daemon:staff
      EXPOSE 80 53/udp 9000-9002
      VOLUME /data
      VOLUME ["/one", "/two"]
      STOPSIGNAL SIGUSR1
      HEALTHCHECK --interval=5s --timeout=2s --start-period=1m --retries=4 CMD ["check", "me"]
      SHELL ["/bin/sh", "-e", "-c"]
      ENTRYPOINT ["/bin/entry", "point"]
      CMD ["first", "second"]
      ONBUILD RUN echo later
      ONBUILD COPY . /later
    `,
  });
  const { config, author, os, architecture, rootfs } = await house.configOf(context);
  assert.equal(os, "linux");
  assert.equal(architecture, "amd64");
  assert.equal(author, "Somebody <somebody@example.org>");
  assert.equal(rootfs.type, "layers");
  assert.deepEqual(config["Env"], [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "WORD=value",
    "OTHER=with space",
    "THIRD=",
  ]);
  assert.deepEqual(config["Labels"], { "org.example.one": "1", "org.example.two": "two words" });
  assert.equal(config["WorkingDir"], "/work/here");
  assert.equal(config["User"], "daemon:staff");
  assert.deepEqual(config["ExposedPorts"], {
    "80/tcp": {},
    "53/udp": {},
    "9000/tcp": {},
    "9001/tcp": {},
    "9002/tcp": {},
  });
  assert.deepEqual(config["Volumes"], { "/data": {}, "/one": {}, "/two": {} });
  assert.equal(config["StopSignal"], "SIGUSR1");
  assert.deepEqual(config["Healthcheck"], {
    Test: ["CMD", "check", "me"],
    Interval: 5_000_000_000,
    Timeout: 2_000_000_000,
    StartPeriod: 60_000_000_000,
    Retries: 4,
  });
  assert.deepEqual(config["Shell"], ["/bin/sh", "-e", "-c"]);
  assert.deepEqual(config["Entrypoint"], ["/bin/entry", "point"]);
  assert.deepEqual(config["Cmd"], ["first", "second"]);
  assert.deepEqual(config["OnBuild"], ["RUN echo later", "COPY . /later"]);
});

test("history tells each instruction, in order, and which of them made a layer", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base}
      ARG WORD=x
      ENV A=1
      RUN echo hi
      COPY a.txt /a.txt
      WORKDIR /w
      CMD ["a", "b"]
    `,
    "a.txt": "a",
  });
  const { history, rootfs } = await house.configOf(context);
  const own = history
    .slice(1)
    .map(({ created_by, empty_layer, comment }) => [created_by, empty_layer ?? false, comment]);
  const comment = "buildkit.dockerfile.v0";
  assert.deepEqual(own, [
    ["ARG WORD=x", true, comment],
    ["ENV A=1", true, comment],
    ["RUN |1 WORD=x /bin/sh -c echo hi # buildkit", false, comment],
    ["COPY a.txt /a.txt # buildkit", false, comment],
    ["WORKDIR /w", false, comment],
    ['CMD ["a" "b"]', true, comment],
  ]);
  assert.equal(rootfs.diff_ids.length, 1 + 3);
});

test("an image from scratch has a PATH and nothing else", async () => {
  const context = await house.context({ Dockerfile: "FROM scratch\nCOPY a /a\n", a: "a" });
  const { config, rootfs } = await house.configOf(context);
  assert.deepEqual(config["Env"], ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]);
  assert.equal(config["WorkingDir"], "/");
  assert.equal(rootfs.diff_ids.length, 1);
});

test("a stage inherits what its base says, ENTRYPOINT forgets an inherited CMD, --label adds labels", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base} AS parent
      ENV A=parent
      LABEL kept=yes changed=no
      USER daemon
      CMD ["inherited"]
      FROM parent
      ENV B=\${A}
      LABEL changed=yes
      ENTRYPOINT ["entry"]
    `,
  });
  const { config } = await house.configOf(context, ["--label", "from=flag", "--label", "changed=again"]);
  assert.deepEqual((config["Env"] as string[]).slice(1), ["A=parent", "B=parent"]);
  assert.deepEqual(config["Labels"], { kept: "yes", changed: "again", from: "flag" });
  assert.equal(config["User"], "daemon");
  assert.deepEqual(config["Entrypoint"], ["entry"]);
  assert.equal(config["Cmd"], undefined);
});

test("ONBUILD runs in the build that stands on the image", async () => {
  const trigger = await house.context({
    Dockerfile: `FROM ${house.base}\nONBUILD COPY a.txt /copied\nONBUILD LABEL triggered=yes\n`,
  });
  const image = `${house.registry.host}/trigger:latest`;
  await house.build(trigger, ["-t", image, "--push"]);
  const context = await house.context({ Dockerfile: `FROM ${image}\nRUN test "$(cat /copied)" = a\n`, "a.txt": "a" });
  const { config } = await house.configOf(context);
  assert.deepEqual(config["Labels"], { triggered: "yes" });
  assert.ok(!config["OnBuild"] || (config["OnBuild"] as string[]).length === 0);
});

test("ARG: defaults, --build-arg, global ones, and the platform's own", async () => {
  const context = await house.context({
    Dockerfile: `
      ARG GLOBAL=global
      ARG BASE=${house.base}
      FROM \${BASE}
      ARG GLOBAL
      ARG DEFAULTED=default
      ARG GIVEN=default
      ARG UNSET
      ARG TARGETPLATFORM TARGETARCH TARGETVARIANT BUILDPLATFORM
      ENV GLOBAL=\${GLOBAL} DEFAULTED=\${DEFAULTED} GIVEN=\${GIVEN} UNSET=\${UNSET:-nothing}
      ENV PLATFORM=\${TARGETPLATFORM},\${TARGETARCH},\${TARGETVARIANT},\${BUILDPLATFORM}
    `,
  });
  const args = ["--build-arg", "GIVEN=flag", "--platform", "linux/arm/v7"];
  const { config } = await house.configOf(context, args);
  assert.deepEqual((config["Env"] as string[]).slice(1), [
    "GLOBAL=global",
    "DEFAULTED=default",
    "GIVEN=flag",
    "UNSET=nothing",
    "PLATFORM=linux/arm/v7,arm,v7,linux/amd64",
  ]);
});

test("HEALTHCHECK NONE and shell forms", async () => {
  const context = await house.context({
    Dockerfile: `
      FROM ${house.base}
      HEALTHCHECK NONE
      ENTRYPOINT echo \${HOME}
      CMD echo command
    `,
  });
  const { config } = await house.configOf(context);
  assert.deepEqual(config["Healthcheck"], { Test: ["NONE"] });
  assert.deepEqual(config["Entrypoint"], ["/bin/sh", "-c", "echo ${HOME}"]);
  assert.deepEqual(config["Cmd"], ["/bin/sh", "-c", "echo command"]);
});

test("several tags are one image, and an image for one platform is no index", async () => {
  const context = await house.context({ Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
  const [one, two] = [`${house.registry.host}/tags:one`, `${house.registry.host}/other/name:two`];
  await house.build(context, ["-t", one, "-t", two, "--push"]);
  assert.deepEqual(await imageConfig(`docker://${one}`), await imageConfig(`docker://${two}`));
});
