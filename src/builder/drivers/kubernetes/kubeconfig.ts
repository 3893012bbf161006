import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";

/** How to reach a cluster's API server, and as whom. */
export interface Cluster {
  readonly server: URL;
  /** Where objects go unless an option says otherwise. */
  readonly namespace: string;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly insecure: boolean;
  };
  /** What says which proxy leads there, in the names of environment variables; empty: none does. */
  readonly proxies: Readonly<Record<string, string | undefined>>;
  /** The value of the `authorization` header, as long as it is good; `undefined`: none. */
  authorization(): Promise<string | undefined>;
}

/** Where a pod finds what it needs to speak to its own cluster. */
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

interface Named {
  readonly name?: string;
}
interface Config {
  readonly "current-context"?: string;
  readonly contexts?: readonly (Named & { readonly context?: Record<string, string> })[];
  readonly clusters?: readonly (Named & { readonly cluster?: Record<string, unknown> })[];
  readonly users?: readonly (Named & { readonly user?: Record<string, unknown> })[];
}

/**
 * Reads what kubectl reads: the files that `KUBECONFIG` lists, else `~/.kube/config`, else what a pod is given by its cluster.
 * @param file the file of the builder, when it was made with one; goes before the variable
 * @see https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 * @throws {BuildError} when there is none, or it does not say which cluster
 */
export async function loadCluster(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  context = "",
): Promise<Cluster> {
  const listed = (file || env["KUBECONFIG"] || join(env["HOME"] || homedir(), ".kube/config"))
    .split(":")
    .filter((path) => path !== "" && existsSync(path));
  if (listed.length === 0) return await inCluster(env);
  const configs = await Promise.all(listed.map(readConfig));
  const find = <T extends Named>(
    kind: "contexts" | "clusters" | "users",
    name: string,
  ): (T & { path: string }) | undefined => {
    for (const { config, path } of configs) {
      const found = (config[kind] as readonly T[] | undefined)?.find((item) => item.name === name);
      if (found) return { ...found, path };
    }
    return undefined;
  };
  const current = context || configs.map(({ config }) => config["current-context"]).find((name) => name) || "";
  const chosen = find<Named & { context?: Record<string, string> }>("contexts", current)?.context;
  if (!chosen) {
    throw failed(
      current === ""
        ? "no current context: choose one with kubectl config use-context"
        : `context ${JSON.stringify(current)} does not exist`,
    );
  }
  const cluster = find<Named & { cluster?: Record<string, unknown> }>("clusters", chosen["cluster"] ?? "");
  if (!cluster?.cluster)
    throw failed(
      `cluster ${JSON.stringify(chosen["cluster"] ?? "")} of context ${JSON.stringify(current)} does not exist`,
    );
  const user = find<Named & { user?: Record<string, unknown> }>("users", chosen["user"] ?? "");
  const { cluster: server } = cluster;
  const identity = user?.user ?? {};
  const address = text(server["server"]);
  if (address === undefined || !URL.canParse(address))
    throw failed(`cluster ${JSON.stringify(cluster.name)} has no server`);
  const here = dirname(cluster.path);
  const there = dirname(user?.path ?? cluster.path);
  const exec = isRecord(identity["exec"]) ? await runPlugin(identity["exec"], env) : {};
  const ca = await pem(server, "certificate-authority", here);
  const cert = exec.cert ?? (await pem(identity, "client-certificate", there));
  const key = exec.key ?? (await pem(identity, "client-key", there));
  const servername = text(server["tls-server-name"]);
  return {
    server: new URL(address),
    namespace: chosen["namespace"] || "default",
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      insecure: server["insecure-skip-tls-verify"] === true,
    },
    proxies: proxiesOf(new URL(address), env, text(server["proxy-url"])),
    authorization: async () => {
      const tokenFile = text(identity["tokenFile"]);
      const token =
        exec.token ??
        (tokenFile ? (await readFile(resolve(there, tokenFile), "utf8")).trim() : text(identity["token"]));
      if (token !== undefined) return `Bearer ${token}`;
      const [username, password] = [text(identity["username"]), text(identity["password"])];
      return username === undefined
        ? undefined
        : `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`;
    },
  };
}

async function inCluster(env: Readonly<Record<string, string | undefined>>): Promise<Cluster> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = env;
  if (!host || !existsSync(`${serviceAccount}/token`)) {
    throw failed("no kubeconfig found: set KUBECONFIG, or make ~/.kube/config");
  }
  const read = (name: string) => readFile(`${serviceAccount}/${name}`, "utf8");
  const address = new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`);
  return {
    server: address,
    namespace: (await read("namespace").catch(() => "default")).trim(),
    tls: { ca: await read("ca.crt"), insecure: false },
    proxies: proxiesOf(address, env, undefined),
    // The kubelet replaces it before it runs out.
    authorization: async () => `Bearer ${(await read("token")).trim()}`,
  };
}

async function readConfig(path: string): Promise<{ readonly path: string; readonly config: Config }> {
  try {
    const { parse } = await import("yaml");
    const config: unknown = parse(await readFile(path, "utf8"));
    if (!isRecord(config)) throw new Error("it is no table of clusters, users and contexts");
    return { path, config: config as Config };
  } catch (cause) {
    throw failed(`${path}: ${messageOf(cause)}`, cause);
  }
}

/** A certificate or key, which stands in the file itself or in one beside it. */
async function pem(from: Record<string, unknown>, name: string, directory: string): Promise<string | undefined> {
  const data = text(from[`${name}-data`]);
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  const path = text(from[name]);
  if (path === undefined) return undefined;
  try {
    return await readFile(resolve(directory, path), "utf8");
  } catch (cause) {
    throw failed(`${name}: ${messageOf(cause)}`, cause);
  }
}

/**
 * Runs the program that knows who the user is, as cloud providers have one each.
 * @see https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
 */
async function runPlugin(
  plugin: Record<string, unknown>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly token?: string; readonly cert?: string; readonly key?: string }> {
  const command = text(plugin["command"]) ?? "";
  const args = Array.isArray(plugin["args"]) ? plugin["args"].map(String) : [];
  const own = (Array.isArray(plugin["env"]) ? plugin["env"] : []).filter(isRecord);
  const variables = Object.fromEntries(own.map(({ name, value }) => [String(name), String(value)]));
  const apiVersion = text(plugin["apiVersion"]) ?? "client.authentication.k8s.io/v1";
  const info = JSON.stringify({ apiVersion, kind: "ExecCredential", spec: { interactive: false } });
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      env: { ...env, ...variables, KUBERNETES_EXEC_INFO: info },
    });
    const { status } = JSON.parse(stdout) as { status?: Record<string, unknown> };
    const [token, cert, key] = ["token", "clientCertificateData", "clientKeyData"].map((name) => text(status?.[name]));
    return { ...(token ? { token } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
  } catch (cause) {
    const hint = text(plugin["installHint"]);
    throw failed(`${command} did not tell who you are: ${messageOf(cause)}${hint ? `\n${hint}` : ""}`, cause);
  }
}

/** The cluster's own proxy; else those of the environment, which never stand before this machine itself. */
function proxiesOf(
  { hostname }: URL,
  env: Readonly<Record<string, string | undefined>>,
  own: string | undefined,
): Cluster["proxies"] {
  if (own !== undefined) {
    if (/^https?:\/\//.test(own)) return { HTTP_PROXY: own, HTTPS_PROXY: own };
    throw failed(`proxy-url ${JSON.stringify(own)} is not supported: want http:// or https://`);
  }
  if (/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)) return {};
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(names.filter((name) => env[name]).map((name) => [name, env[name]]));
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function failed(why: string, cause?: unknown): BuildError {
  return new BuildError("invalid_argument", `kubeconfig: ${why}`, { cause });
}
