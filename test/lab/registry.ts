import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** The one user of a registry started with `users: true`. */
export const registryUser = { username: "tester", password: "secret" } as const;
const htpasswd = "tester:$2b$04$55B0cl.t4nWieM3NibAwqeeSRldXnaZ3IdNwFhGCAmV.uzaolYmam\n";

/** How to start a registry. */
export interface RegistryOptions {
  /** A free port when not given. */
  readonly port?: number;
  /** Refuses whoever is not {@link registryUser} (basic authentication). */
  readonly users?: boolean;
  /** Keeps its blobs here and leaves them there; a temporary directory, removed at the end, when not given. */
  readonly dir?: string;
  /** Speaks TLS with this certificate, and with nobody who shows none that `ca` has signed. Paths. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

/** One request that the registry answered. */
export interface RegistryRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A running docker-registry (Debian's package), on loopback, over plain HTTP unless asked for TLS. Disposing it stops it. */
export interface LabRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`, as it stands in an image's name. */
  readonly host: string;
  readonly pid: number;
  /** What it was asked since it started, oldest first. Not of one that speaks TLS. */
  requests(): Promise<readonly RegistryRequest[]>;
}

/** Starts a registry and waits until it listens. */
export async function startRegistry(options: RegistryOptions = {}): Promise<LabRegistry> {
  const { tls } = options;
  const home = await mkdtemp(join(tmpdir(), "polyarch-registry-"));
  const config = {
    version: "0.1",
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: options.dir ?? join(home, "data") }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${options.port ?? 0}`,
      secret: "lab",
      ...(tls ? { tls: { certificate: tls.cert, key: tls.key, clientcas: [tls.ca] } } : {}),
    },
    ...(options.users ? { auth: { htpasswd: { realm: "lab", path: join(home, "htpasswd") } } } : {}),
  };
  await writeFile(join(home, "htpasswd"), htpasswd);
  await writeFile(join(home, "config.yml"), JSON.stringify(config)); // JSON is YAML
  const child = spawn("docker-registry", ["serve", join(home, "config.yml")], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL"); // it has no state worth a goodbye
    await exited;
    await rm(home, { recursive: true, force: true });
  };
  const requests: RegistryRequest[] = [];
  createInterface(child.stdout).on("line", (line) => {
    const match = /"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d+)/.exec(line);
    if (match?.[1] && match[2]) requests.push({ method: match[1], path: match[2], status: Number(match[3]) });
  });
  try {
    const host = await new Promise<string>((resolve, reject) => {
      const said: string[] = [];
      child.once("error", (cause) => reject(new Error("cannot start docker-registry: is it installed?", { cause })));
      child.once("exit", (code) => reject(new Error(`docker-registry ended with ${code}:\n${said.join("\n")}`)));
      createInterface(child.stderr).on("line", (line) => {
        said.push(line);
        const listening = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
        if (listening !== undefined) resolve(listening);
      });
    });
    return {
      host,
      pid: child.pid ?? 0,
      async requests() {
        // Its log comes through a pipe: what it was asked before this is there once this is.
        const last = `/v2/?${randomUUID()}`;
        await (await fetch(`http://${host}${last}`)).bytes();
        while (!requests.some(({ path }) => path === last)) await sleep(10);
        return requests.filter(({ path }) => !path.startsWith("/v2/?"));
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
