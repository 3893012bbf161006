import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { type Agent, keyAgent, parsePrivateKey, signingKey, socketAgent } from "./mod.ts";

const directory = mkdtempSync(join(tmpdir(), "polyarch-agent-"));
after(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

function keygen(...args: readonly string[]): void {
  execFileSync("ssh-keygen", ["-q", "-N", "", ...args], { stdio: "pipe" });
}

/** An agent at a socket. */
async function served(agent: Agent, name: string): Promise<{ readonly socket: string } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (socket) => void agent.serve(socket)).listen(at(name));
  await once(server, "listening");
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { socket: at(name), [Symbol.asyncDispose]: stop };
}

/** Runs one of OpenSSH's programs as somebody who has that agent. */
async function ssh(socket: string, line: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  const [program = "", ...args] = line;
  const child = spawn(program, args, {
    env: { ...process.env, SSH_AUTH_SOCK: socket },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (out += text));
  const [code] = (await once(child, "close")) as [number];
  return { code, out };
}

suite("keys from files", () => {
  const kinds = [
    ["ed25519"],
    ["rsa", "2048"],
    ["rsa", "2048", "PEM"],
    ["rsa", "2048", "PKCS8"],
    ["ecdsa", "256"],
    ["ecdsa", "384", "PEM"],
    ["ecdsa", "521"],
  ] as const;
  for (const [type, bits, format] of kinds) {
    const name = [type, bits, format].filter(Boolean).join("-");
    test(`${name} is listed, and signs what OpenSSH finds good`, async () => {
      const file = at(name);
      keygen("-t", type, ...(bits ? ["-b", bits] : []), ...(format ? ["-m", format] : []), "-f", file);
      const key = signingKey(parsePrivateKey(readFileSync(file, "utf8")), file);
      await using agent = await served(keyAgent([key]), `${name}.sock`);
      const listed = await ssh(agent.socket, ["ssh-add", "-L"]);
      const [kind, blob] = readFileSync(`${file}.pub`, "utf8").split(" ");
      assert.equal(listed.out.trim(), `${kind} ${blob} ${file}`);
      writeFileSync(`${file}.text`, "what is signed");
      rmSync(file); // only the agent has it now
      const signed = await ssh(agent.socket, [
        "ssh-keygen",
        "-Y",
        "sign",
        "-n",
        "file",
        "-f",
        `${file}.pub`,
        `${file}.text`,
      ]);
      assert.equal(signed.code, 0, signed.out);
      const check = ["ssh-keygen", "-Y", "check-novalidate", "-n", "file", "-s", `${file}.text.sig`];
      const verify = ["sh", "-c", `exec "$@" < ${file}.text`, "sh", ...check];
      const verified = await ssh("", verify);
      assert.equal(verified.code, 0, verified.out);
    });
  }

  test("what cannot be used is refused without a word of it", () => {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "word word", "-f", at("locked")]);
    assert.throws(() => parsePrivateKey(readFileSync(at("locked"), "utf8")), /passphrase protected/);
    assert.throws(() => parsePrivateKey("hunter2"), { message: "no key found" });
    const cut = readFileSync(at("locked"), "utf8").split("\n");
    assert.throws(() => parsePrivateKey([cut[0], cut[1], cut.at(-2)].join("\n")), { code: "invalid_argument" });
    assert.throws(
      () => parsePrivateKey("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
      /not a private key/,
    );
  });
});

test("an agent of this machine signs and lists, and is not changed", async () => {
  keygen("-t", "ed25519", "-f", at("mine"));
  keygen("-t", "ed25519", "-f", at("other"));
  const child = spawn("ssh-agent", ["-D", "-a", at("real.sock")], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    await once(child.stdout, "data");
    assert.equal((await ssh(at("real.sock"), ["ssh-add", "-q", at("mine")])).code, 0);
    await using agent = await served(socketAgent(at("real.sock")), "forwarded.sock");
    const before = await ssh(agent.socket, ["ssh-add", "-L"]);
    assert.match(before.out, /^ssh-ed25519 /);
    assert.notEqual((await ssh(agent.socket, ["ssh-add", "-q", at("other")])).code, 0);
    assert.notEqual((await ssh(agent.socket, ["ssh-add", "-q", "-D"])).code, 0);
    assert.equal((await ssh(at("real.sock"), ["ssh-add", "-L"])).out, before.out);
  } finally {
    child.kill();
    await once(child, "close");
  }
  await using gone = await served(socketAgent(at("real.sock")), "gone.sock");
  assert.notEqual((await ssh(gone.socket, ["ssh-add", "-L"])).code, 0);
});
