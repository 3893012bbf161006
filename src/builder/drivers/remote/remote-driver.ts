import { setTimeout as sleep } from "node:timers/promises";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { BuildKitClient, connect, type Dial, dialAddress, tlsContext } from "../../../client/mod.ts";
import { currentContextName, DockerEngine, engineAddressOf } from "../../../docker/mod.ts";
import type { DriverInput, OpenDriver } from "../../driver.ts";
import { parseRemoteOptions, type RemoteOptions } from "./remote-options.ts";

/** How long an engine may take to come up. */
const bootTimeoutMs = 20_000;
/** How long an engine may go on to hang up on us: one that is coming up behind a proxy does so as well. */
const hangUpMs = 5_000;
/** How long it may take to answer one question while we wait for it. */
const answerTimeoutMs = 5_000;

/** An engine that somebody else runs, at an address. It is used as it is: nothing is started or removed. */
export const remoteDriver: OpenDriver = async (input) => {
  const { node, env } = input;
  if (node.flags.length > 0) throw unsupported("setting buildkit flags");
  if (Object.keys(node.files).length > 0) throw unsupported("setting config file");
  const options = parseRemoteOptions(node.driverOpts);
  const endpoint = node.endpoint || env.BUILDKIT_HOST || "";
  const dial = await dialEndpoint(endpoint, options, input);
  const authority = options.tls ? (options.tls.serverName ?? hostOf(endpoint)) : undefined;
  const answers = async (signal: AbortSignal): Promise<unknown> => {
    try {
      await using client = new BuildKitClient(connect({ open: dial, authority }));
      await client.info({ signal, timeoutMs: answerTimeoutMs });
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      // An engine that is too old for the question has answered all the same.
      return error instanceof BuildError && error.code === "unimplemented" ? undefined : error;
    }
  };
  return {
    kind: "remote",
    endpoint,
    authority,
    check: () => void (options.tls && tlsContext(options.tls)),
    features: () =>
      Promise.resolve({
        ociExporter: true,
        dockerExporter: true,
        cacheExport: true,
        attestation: true,
        multiPlatform: true,
        directPush: true,
        preferImageDigest: true,
        defaultLoad: options.defaultLoad,
      }),
    answersWithinMs: answerTimeoutMs,
    state: async ({ signal }) => ((await answers(signal)) === undefined ? "running" : "inactive"),
    boot: async ({ signal, onEvent }) => {
      onEvent?.({ type: "starting", what: "[internal] waiting for connection" });
      const begun = performance.now();
      for (;;) {
        const problem = await answers(signal);
        if (problem === undefined) break;
        const patienceMs = hangsUp(problem) ? hangUpMs : bootTimeoutMs;
        if (!mayPass(problem) || performance.now() > begun + patienceMs) {
          const { code = "unavailable" } = problem as { code?: BuildError["code"] };
          const hint = hangsUp(problem) ? hangUpHint(endpoint, options) : "";
          throw new BuildError(code, `no engine answers at ${endpoint}: ${messageOf(problem)}${hint}`, {
            cause: problem,
          });
        }
        await sleep(1_000, undefined, { signal });
      }
      onEvent?.({ type: "running" });
    },
    dial,
    stop: async () => undefined,
    remove: async () => undefined,
  };
};

/** Whether waiting can help: a certificate that is wrong now is wrong in a second, too. */
function mayPass(problem: unknown): boolean {
  if (!(problem instanceof BuildError)) return false;
  if (problem.code !== "unavailable" && problem.code !== "deadline_exceeded") return false;
  return !/certificate|altnames|alert|self-signed|exit status|wrong version number/i.test(problem.message);
}

function hangsUp(problem: unknown): boolean {
  return problem instanceof BuildError && /\bEOF$/.test(problem.message);
}

/** What mostly is behind a connection that is accepted and then closed without a word. */
function hangUpHint(endpoint: string, { tls }: RemoteOptions): string {
  if (!endpoint.startsWith("tcp://")) return "";
  if (!tls) return ": if the engine wants TLS, give it with --driver-opt cacert=…,cert=…,key=…";
  return tls.cert === undefined
    ? ": if the engine wants a client's certificate, give it with --driver-opt cert=…,key=…"
    : `: the engine may not take the certificate ${tls.cert}: its log says why, and --tlscacert is the authority that it goes by`;
}

async function dialEndpoint(endpoint: string, { tls }: RemoteOptions, input: DriverInput): Promise<Dial> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(endpoint)?.[1] ?? "";
  switch (scheme) {
    case "unix":
    case "tcp":
      return dialAddress(endpoint, { tls });
    case "ssh":
      return dialAddress(endpoint, { env: input.env });
    case "docker-container":
      return await dialContainer(endpoint, input);
    case "kube-pod":
      return await dialKubePod(endpoint, input);
    case "npipe":
      throw new BuildError(
        "unimplemented",
        `cannot dial ${JSON.stringify(endpoint)}: pipes like this are there on Windows only`,
      );
    default:
      throw new BuildError(
        "invalid_argument",
        `unrecognized url scheme ${scheme}: want unix:///path, tcp://host:port, ssh://[user@]host, docker-container://name or kube-pod://pod, not ${JSON.stringify(endpoint)}`,
      );
  }
}

async function dialKubePod(endpoint: string, { env }: DriverInput): Promise<Dial> {
  const { dialPod, parsePodAddress } = await import("../kubernetes/kube-pod.ts"); // most have no cluster
  return dialPod(parsePodAddress(endpoint), env);
}

/** `docker-container://NAME[?context=CONTEXT]`: an engine in a container that somebody else has made. */
async function dialContainer(endpoint: string, { env, configDirectory, config }: DriverInput): Promise<Dial> {
  const [, name, query] = /^docker-container:\/\/([\w][\w.-]*)\/?(?:\?(.*))?$/.exec(endpoint) ?? [];
  if (name === undefined) {
    throw new BuildError(
      "invalid_argument",
      `invalid endpoint ${JSON.stringify(endpoint)}: want docker-container://NAME`,
    );
  }
  const surroundings = { env, configDirectory, currentContext: config.currentContext };
  const context = new URLSearchParams(query).get("context") || currentContextName(surroundings);
  const docker = await DockerEngine.open(await engineAddressOf(context, surroundings), { env });
  return async (options) => await docker.containers.execStream(name, ["buildctl", "dial-stdio"], options);
}

function hostOf(endpoint: string): string {
  return /^[a-z]+:\/\/(?:\[([^\]]+)\]|([^:/]+))/.exec(endpoint)?.slice(1).find(Boolean) ?? "localhost";
}

function unsupported(what: string): BuildError {
  return new BuildError("invalid_argument", `${what} is not supported for remote driver`);
}
