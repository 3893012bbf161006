import { randomBytes } from "node:crypto";
import type { MessageInitShape } from "../base/protobuf/mod.ts";
import { gateway } from "../api/mod.ts";
import { Outbox } from "../base/async/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { errorOf } from "../rpc/mod.ts";
import type { ProcessPlan } from "./plan-process.ts";

/** What can be done to the process while it runs. Does nothing once it has ended. */
export interface ContainerProcess {
  /** @param name without `SIG` */
  signal(name: string): void;
  resize(size: { readonly rows: number; readonly columns: number }): void;
}

/** A process's streams at this end. */
export interface ProcessStreams {
  /** Undefined: the process reads nothing. */
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  /** Resolves when there is room for more. */
  stdout(data: Uint8Array): Promise<void>;
  stderr(data: Uint8Array): Promise<void>;
}

/** How a process ended. */
export interface ProcessExit {
  readonly code: number;
  /** Why it ended so, in the engine's words; where it could not be started, why not. */
  readonly error: BuildError | undefined;
}

type Request = MessageInitShape<typeof gateway.ExecMessageSchema>;
type Exec = (requests: AsyncIterable<Request>) => AsyncIterable<gateway.ExecMessage>;

/** Runs one process in a container to its end. @throws {BuildError} when the stream breaks or makes no sense */
export async function runProcess(
  exec: Exec,
  options: {
    readonly containerId: string;
    readonly process: ProcessPlan;
    readonly tty: boolean;
    readonly streams: ProcessStreams;
    readonly onStarted: (process: ContainerProcess) => void;
  },
): Promise<ProcessExit> {
  const { containerId, process, tty, streams, onStarted } = options;
  const ProcessID = `${containerId}:${randomBytes(12).toString("hex")}`;
  const outbox = new Outbox<Request>();
  const send = async (Input: NonNullable<Request["Input"]>) => await outbox.send({ ProcessID, Input });
  const { args, env, cwd, user } = process;
  void send({
    case: "Init",
    value: {
      ContainerID: containerId,
      Meta: { args: [...args], env: [...env], cwd, user, removeMountStubsRecursive: true },
      // A terminal has one way out.
      Fds: [...(streams.stdin ? [0] : []), 1, ...(tty ? [] : [2])],
      Tty: tty,
    },
  });
  let exit: ProcessExit | undefined;
  let isDone = false;
  try {
    for await (const { ProcessID: about, Input: message } of exec(outbox.messages())) {
      if (about !== ProcessID)
        throw new BuildError("internal", `the engine speaks of a process ${about} that nobody started`);
      switch (message.case) {
        case "Started":
          onStarted({
            signal: (Name) => void send({ case: "Signal", value: { Name } }),
            resize: ({ rows: Rows, columns: Cols }) => void send({ case: "Resize", value: { Rows, Cols } }),
          });
          if (streams.stdin) void type(streams.stdin, send);
          break;
        case "File":
          if (message.value.Data.byteLength > 0) {
            await (message.value.Fd === 2 ? streams.stderr : streams.stdout)(message.value.Data);
          }
          break;
        case "Exit": {
          const { Code: code, Error: error } = message.value;
          exit = { code, error: error && errorOf(error) };
          // Some engines wait for the end of the input before they are done, although nobody reads it any more.
          if (streams.stdin) void send({ case: "File", value: { Fd: 0, EOF: true } });
          if (isDone) return exit;
          break;
        }
        case "Done":
          if (exit) return exit;
          isDone = true; // BuildKit says so before it knows how a process ended that did not read all of its input
          break;
        default:
          throw new BuildError("internal", `unexpected message ${message.case ?? "without content"} of a process`);
      }
    }
    if (isDone) throw new BuildError("internal", "the engine did not tell how the process ended");
    throw new BuildError("unavailable", "the engine left while the process was running");
  } finally {
    outbox.end();
  }
}

async function type(
  stdin: AsyncIterable<Uint8Array>,
  send: (message: NonNullable<Request["Input"]>) => Promise<void>,
): Promise<void> {
  try {
    for await (const data of stdin) {
      await send({ case: "File", value: { Fd: 0, Data: data as Uint8Array<ArrayBuffer> } });
    }
  } catch {
    // What cannot be read any more has ended.
  }
  await send({ case: "File", value: { Fd: 0, EOF: true } });
}
