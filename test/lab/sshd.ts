import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DebianArchive } from "./debian.ts";
import { freePort } from "./free-port.ts";
import { must } from "./run.ts";

/** An OpenSSH server on loopback, with a host key and one login of its own. Disposing it stops it. */
export interface LabSshd extends AsyncDisposable {
  readonly port: number;
  /** `ssh://root@127.0.0.1:port` */
  readonly url: string;
  /** A directory for the front of `PATH`, with an `ssh` that has the key and knows the host. */
  readonly bin: string;
}

/**
 * Starts Debian's sshd from its unpacked package; commands that come in have `env`. Needs root.
 * @param env for what runs over ssh
 */
export async function startSshd(env: Readonly<Record<string, string>>): Promise<LabSshd> {
  const programs = await unpackSshd();
  const home = await mkdtemp(join(tmpdir(), "polyarch-sshd-"));
  const at = (name: string) => join(home, name);
  for (const key of ["host", "login"]) await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at(key)]);
  const port = await freePort();
  await writeFile(at("authorized_keys"), await readFile(at("login.pub")));
  await writeFile(at("known_hosts"), `[127.0.0.1]:${port} ${await readFile(at("host.pub"), "utf8")}`);
  const variables = Object.entries(env).map(([name, value]) => `"${name}=${value}"`);
  const settings = {
    ListenAddress: `127.0.0.1:${port}`,
    HostKey: at("host"),
    AuthorizedKeysFile: at("authorized_keys"),
    PidFile: "none",
    PermitRootLogin: "yes",
    PasswordAuthentication: "no",
    StrictModes: "no",
    UsePAM: "no",
    LogLevel: "VERBOSE",
    ...(variables.length > 0 ? { SetEnv: variables.join(" ") } : {}),
  };
  await writeFile(
    at("sshd_config"),
    Object.entries(settings)
      .map((words) => `${words.join(" ")}\n`)
      .join(""),
  );
  const client = {
    IdentityFile: at("login"),
    IdentitiesOnly: "yes",
    UserKnownHostsFile: at("known_hosts"),
    StrictHostKeyChecking: "yes",
    BatchMode: "yes",
  };
  await writeFile(
    at("ssh_config"),
    Object.entries(client)
      .map((words) => `${words.join(" ")}\n`)
      .join(""),
  );
  await mkdir(at("bin"));
  await writeFile(at("bin/ssh"), `#!/bin/sh\nexec /usr/bin/ssh -F ${at("ssh_config")} "$@"\n`);
  await chmod(at("bin/ssh"), 0o755);
  await writeFile(
    at("passwd"),
    `${await readFile("/etc/passwd", "utf8")}sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin\n`,
  );

  // sshd wants a user and a directory of its own, which it gets in a mount namespace.
  const prepare = `mount --bind ${at("passwd")} /etc/passwd && mkdir -p /run/sshd && exec "$@"`;
  const daemon = [programs.sshd, "-D", "-e", "-f", at("sshd_config")];
  const child = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", prepare, "sh", ...daemon], {
    env: { ...process.env, LD_LIBRARY_PATH: programs.libraries },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
  const dispose = async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "close");
    await rm(home, { recursive: true, force: true });
  };
  for (const giveUp = performance.now() + 20_000; !(await listens(port)); await sleep(50)) {
    if (child.exitCode === null && performance.now() < giveUp) continue;
    await dispose();
    throw new Error(`sshd does not listen:\n${said.join("")}`);
  }
  return { port, url: `ssh://root@127.0.0.1:${port}`, bin: at("bin"), [Symbol.asyncDispose]: dispose };
}

async function unpackSshd(): Promise<{ sshd: string; libraries: string }> {
  const architecture = (await must("dpkg", ["--print-architecture"])).trim();
  const archive = await DebianArchive.open({ suite: "bookworm", architectures: [architecture] });
  const debs = [];
  for (const name of ["openssh-server", "libwrap0"]) debs.push(await archive.download(name, architecture));
  const dir = await archive.unpack(debs, "sshd");
  const triplet = architecture === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const libraries = ["lib", "usr/lib"].map((sub) => join(dir, sub, triplet)).filter((path) => existsSync(path));
  return { sshd: join(dir, "usr/sbin/sshd"), libraries: libraries.join(delimiter) };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
