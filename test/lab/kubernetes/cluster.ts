import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { type LabEngine, startEngine } from "../engine.ts";
import { type PodStreams, runBesideEngine } from "./pod-process.ts";
import { decodeProtobufObject } from "./protobuf.ts";
import { serveSpdy } from "./spdy.ts";
import { serveWebSocket } from "./websocket.ts";

/** An object that was made in the cluster. */
export interface LabObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

/**
 * A Kubernetes API server as far as builders need one, for where no cluster can run: TLS, a bearer token, objects in JSON or protobuf, and
 * processes in pods over WebSocket or SPDY, as polyarch and docker buildx want them. Each of its pods is an engine of ours on this machine, and a
 * process in a pod runs here beside that engine.
 */
export interface LabKubernetes extends AsyncDisposable {
  /** A file for KUBECONFIG. */
  readonly kubeconfig: string;
  /** By path. */
  readonly objects: ReadonlyMap<string, LabObject>;
  /** Names of pods in which processes were started, in order. */
  readonly used: readonly string[];
  /** Takes an object away, as somebody else would. */
  lose(path: string): Promise<void>;
  /** Pods that are made from now on never get ready, for this reason. */
  stall(reason: string | undefined): void;
}

const token = "a-token-of-the-lab";
interface Pod {
  readonly name: string;
  readonly namespace: string;
  /** Of the workload that it is of. */
  readonly app: string;
  readonly template: { readonly metadata: { readonly labels: Record<string, string> } };
  readonly engine: LabEngine | undefined;
  readonly waiting: string | undefined;
}

/** Starts one. @param certificates a directory that `polyarch daemon certs` has filled */
export async function startKubernetes(certificates: string): Promise<LabKubernetes> {
  const home = await mkdtemp(join(tmpdir(), "polyarch-kubernetes-"));
  const objects = new Map<string, LabObject>();
  const pods = new Map<string, Pod>();
  const used: string[] = [];
  let stalled: string | undefined;
  const read = (name: string) => readFileSync(join(certificates, name));

  const startPods = async (workload: LabObject, namespace: string): Promise<void> => {
    const app = workload.metadata.name;
    const { replicas, template } = workload["spec"] as { replicas: number; template: Pod["template"] };
    for (let at = 0; at < replicas; at++) {
      const name = `${app}-${at}`;
      const engine =
        stalled === undefined ? await startEngine(["--addr", `unix://${join(home, `${name}.sock`)}`]) : undefined;
      pods.set(name, { name, namespace, app, template, engine, waiting: stalled });
    }
  };
  const stopPods = async (app: string): Promise<void> => {
    for (const pod of [...pods.values()].filter((candidate) => candidate.app === app)) {
      pods.delete(pod.name);
      await pod.engine?.[Symbol.asyncDispose]();
    }
  };
  const lose = async (path: string): Promise<void> => {
    const object = objects.get(path);
    objects.delete(path);
    if (object && /deployments|statefulsets/.test(path)) await stopPods(object.metadata.name);
  };
  const answer = async (method: string, url: URL, body: () => LabObject): Promise<Answer> => {
    const path = url.pathname;
    if (method === "POST") {
      const object = body();
      const place = `${path}/${object.metadata.name}`;
      if (objects.has(place)) return failure(409, "AlreadyExists", `${place} already exists`);
      objects.set(place, object);
      if (/deployments|statefulsets/.test(path)) await startPods(object, path.split("/")[5] ?? "");
      return [201, object];
    }
    if (path.endsWith("/pods")) {
      const wanted = (url.searchParams.get("labelSelector") ?? "").split(",").map((pair) => pair.split("="));
      const items = [...pods.values()].filter(
        ({ namespace, template }) =>
          path.includes(`/${namespace}/`) &&
          wanted.every(([name = "", value]) => template.metadata.labels[name] === value),
      );
      return [200, { kind: "PodList", apiVersion: "v1", metadata: {}, items: items.map(podJson) }];
    }
    const pod = pods.get(/\/pods\/([^/]+)$/.exec(path)?.[1] ?? "");
    if (pod) return [200, podJson(pod)];
    const object = objects.get(path);
    if (!object) return failure(404, "NotFound", `${path} not found`);
    if (method === "PUT") {
      objects.set(path, body());
      return [200, objects.get(path)];
    }
    if (method === "DELETE") {
      await lose(path);
      return [200, { kind: "Status", apiVersion: "v1", status: "Success" }];
    }
    const readyReplicas = [...pods.values()].filter((pod) => pod.app === object.metadata.name && pod.engine).length;
    return [200, { ...object, status: { readyReplicas } }];
  };
  const isAllowed = ({ headers }: IncomingMessage) => headers.authorization === `Bearer ${token}`;
  const server = createServer({ cert: read("daemon/cert.pem"), key: read("daemon/key.pem") }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      const url = new URL(request.url ?? "/", "https://lab");
      const answering = isAllowed(request)
        ? answer(request.method ?? "GET", url, () => objectOf(request, Buffer.concat(chunks)))
        : Promise.resolve(failure(401, "Unauthorized", "Unauthorized"));
      void answering
        .catch((error: unknown) => failure(400, "BadRequest", String(error)))
        .then(([status, value]) => {
          response.writeHead(status, { "content-type": "application/json" });
          response.end(JSON.stringify(value));
        });
    });
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? "/", "https://lab");
    const pod = pods.get(/\/pods\/([^/]+)\/exec$/.exec(url.pathname)?.[1] ?? "");
    if (!isAllowed(request) || !pod?.engine)
      return void socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
    used.push(pod.name);
    const address = pod.engine.addresses[0] ?? "";
    const start = (streams: PodStreams) => runBesideEngine(url.searchParams.getAll("command"), address, streams);
    (request.headers.upgrade === "websocket" ? serveWebSocket : serveSpdy)(request, socket, head, start);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const kubeconfig = join(home, "config");
  const cluster = `{server: "https://127.0.0.1:${(server.address() as AddressInfo).port}", certificate-authority: ${join(certificates, "ca.pem")}}`;
  await writeFile(
    kubeconfig,
    [
      "apiVersion: v1",
      "kind: Config",
      `clusters: [{name: lab, cluster: ${cluster}}]`,
      `users: [{name: me, user: {token: ${token}}}]`,
      "contexts: [{name: lab, context: {cluster: lab, user: me, namespace: builds}}]",
      "current-context: lab",
      "",
    ].join("\n"),
  );
  return {
    kubeconfig,
    objects,
    used,
    lose,
    stall: (reason) => {
      stalled = reason;
    },
    async [Symbol.asyncDispose]() {
      for (const { app } of pods.values()) await stopPods(app);
      server.close();
      server.closeAllConnections();
      await rm(home, { recursive: true, force: true });
    },
  };
}

type Answer = readonly [status: number, value: unknown];

function failure(code: number, reason: string, message: string): Answer {
  return [code, { kind: "Status", apiVersion: "v1", status: "Failure", reason, message, code }];
}

function objectOf({ headers }: IncomingMessage, body: Buffer): LabObject {
  const isProtobuf = headers["content-type"] === "application/vnd.kubernetes.protobuf";
  return (isProtobuf ? decodeProtobufObject(body) : JSON.parse(body.toString("utf8"))) as LabObject;
}

function podJson({ name, namespace, template, engine, waiting }: Pod): unknown {
  const pod = { ...template, metadata: { ...template.metadata, name, namespace } };
  if (engine) return { ...pod, status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };
  return { ...pod, status: { phase: "Pending", containerStatuses: [{ state: { waiting: { reason: waiting } } }] } };
}
