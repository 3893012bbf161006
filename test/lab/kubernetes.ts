import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { buildctlProgram, type LabEngine, startEngine } from "./engine.ts";

/** An object that was made in the cluster. */
export interface LabObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

/**
 * A Kubernetes API server as far as builders need one, for where no cluster can run: TLS, a bearer token, objects, and processes in pods over
 * WebSocket. Each of its pods is an engine of ours on this machine, and a process in a pod runs here beside that engine.
 */
export interface LabKubernetes extends AsyncDisposable {
  /** A file for KUBECONFIG. */
  readonly kubeconfig: string;
  /** By path. */
  readonly objects: ReadonlyMap<string, LabObject>;
  /** Names of pods in which processes were started, in order. */
  readonly used: readonly string[];
  /** Pods that are made from now on never get ready, for this reason. */
  stall(reason: string | undefined): void;
}

const token = "a-token-of-the-lab";
const handshakeKey = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

interface Pod {
  readonly name: string;
  readonly app: string;
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

  const startPods = async (workload: LabObject): Promise<void> => {
    const app = workload.metadata.name;
    const replicas = (workload["spec"] as { replicas: number }).replicas;
    for (let at = 0; at < replicas; at++) {
      const name = `${app}-${at}`;
      const engine =
        stalled === undefined ? await startEngine(["--addr", `unix://${join(home, `${name}.sock`)}`]) : undefined;
      pods.set(name, { name, app, engine, waiting: stalled });
    }
  };
  const stopPods = async (app: string): Promise<void> => {
    for (const pod of [...pods.values()].filter((candidate) => candidate.app === app)) {
      pods.delete(pod.name);
      await pod.engine?.[Symbol.asyncDispose]();
    }
  };
  const answer = async (method: string, url: URL, body: string): Promise<[status: number, value: unknown]> => {
    const path = url.pathname;
    const missing = [404, { kind: "Status", status: "Failure", message: `${path} not found`, code: 404 }] as [
      number,
      unknown,
    ];
    if (method === "POST") {
      const object = JSON.parse(body) as LabObject;
      const place = `${path}/${object.metadata.name}`;
      if (objects.has(place)) return [409, { kind: "Status", message: `${place} already exists`, code: 409 }];
      objects.set(place, object);
      if (/deployments|statefulsets/.test(path)) await startPods(object);
      return [201, object];
    }
    if (method === "DELETE") {
      const object = objects.get(path);
      if (!object) return missing;
      objects.delete(path);
      if (/deployments|statefulsets/.test(path)) await stopPods(object.metadata.name);
      return [200, { kind: "Status", status: "Success" }];
    }
    if (path.endsWith("/pods")) {
      const app = /^app=(.*)$/.exec(url.searchParams.get("labelSelector") ?? "")?.[1];
      return [200, { kind: "PodList", items: [...pods.values()].filter((pod) => pod.app === app).map(podJson) }];
    }
    const object = objects.get(path);
    if (!object) return missing;
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
        ? answer(request.method ?? "GET", url, Buffer.concat(chunks).toString("utf8"))
        : Promise.resolve([401, { kind: "Status", message: "Unauthorized", code: 401 }] as const);
      void answering.then(([status, value]) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(value));
      });
    });
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    const url = new URL(request.url ?? "/", "https://lab");
    const pod = pods.get(/\/pods\/([^/]+)\/exec$/.exec(url.pathname)?.[1] ?? "");
    if (!isAllowed(request) || !pod?.engine)
      return void socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
    used.push(pod.name);
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${handshakeKey}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: v5.channel.k8s.io\r\n\r\n`,
    );
    runInPod(socket, url.searchParams.getAll("command"), pod.engine.addresses[0] ?? "");
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

function podJson({ name, engine, waiting }: Pod): unknown {
  if (engine)
    return { metadata: { name }, status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };
  return {
    metadata: { name },
    status: { phase: "Pending", containerStatuses: [{ state: { waiting: { reason: waiting } } }] },
  };
}

/** Runs a command beside an engine, its streams multiplexed over a WebSocket as the kubelet does it. */
function runInPod(socket: Duplex, command: readonly string[], address: string): void {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, PATH: `${dirname(buildctlProgram)}:${process.env["PATH"] ?? ""}`, BUILDKIT_HOST: address },
  });
  const send = (channel: number, data: Uint8Array) =>
    socket.write(serverFrame(Buffer.concat([Buffer.of(channel), data])));
  child.stdout.on("data", (data: Buffer) => {
    if (!send(1, data)) child.stdout.pause();
  });
  socket.on("drain", () => child.stdout.resume());
  child.stderr.on("data", (data: Buffer) => send(2, data));
  child.once("close", (code) => {
    send(
      3,
      Buffer.from(
        JSON.stringify(code === 0 ? { status: "Success" } : { status: "Failure", message: `exit code ${code}` }),
      ),
    );
    socket.end(Buffer.of(0x88, 0x02, 0x03, 0xe8));
  });
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = clientFrame(rest); frame; frame = clientFrame(rest)) {
      rest = rest.subarray(frame.size);
      const [channel, ...closed] = frame.opcode === 2 ? frame.payload : [];
      if (channel === 0) child.stdin.write(frame.payload.subarray(1));
      else if (channel === 255 && closed[0] === 0) child.stdin.end();
      else if (frame.opcode === 8) child.kill();
    }
  });
  for (const stream of [socket, child.stdin]) stream.on("error", () => child.kill());
  socket.once("close", () => child.kill());
}

function serverFrame(payload: Buffer): Buffer {
  const size = payload.byteLength;
  const head = size < 126 ? Buffer.of(0x82, size) : Buffer.alloc(10);
  if (size >= 126) {
    head[0] = 0x82;
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, payload]);
}

function clientFrame(bytes: Buffer): { opcode: number; payload: Buffer; size: number } | undefined {
  if (bytes.byteLength < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.byteLength < start + 4) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const size = start + 4 + length;
  if (bytes.byteLength < size) return undefined;
  const mask = bytes.subarray(start, start + 4);
  const payload = Buffer.from(bytes.subarray(start + 4, size).map((byte, at) => byte ^ (mask[at & 3] ?? 0)));
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload, size };
}
