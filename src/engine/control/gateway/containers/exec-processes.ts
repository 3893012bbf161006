import type { MessageInitShape } from "../../../../base/protobuf/mod.ts";
import { gateway } from "../../../../api/mod.ts";
import { Outbox } from "../../../../base/async/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { ExecProcess } from "./exec-process.ts";
import type { GatewayContainers } from "./containers.ts";

type Message = MessageInitShape<typeof gateway.ExecMessageSchema>;

/**
 * Runs what a client asks for over one stream: processes in any of its containers, several at once, each known by an id that comes with every
 * message about it. Ends when the client has said all and all processes have ended; a stream that fails takes its processes with it.
 */
export async function* execProcesses(
  requests: AsyncIterable<gateway.ExecMessage>,
  containers: GatewayContainers,
  options: { signal: AbortSignal },
): AsyncGenerator<Message> {
  const outbox = new Outbox<Message>();
  const controller = new AbortController();
  const signal = AbortSignal.any([options.signal, controller.signal]);
  const processes = new Map<string, ExecProcess>();
  const running = new Set<Promise<void>>();
  /** Every id that was ever used: messages to processes that have ended meanwhile are no mistake. */
  const used = new Set<string>();
  const begin = (id: string, init: gateway.InitMessage) => {
    if (used.has(id)) throw new BuildError("already_exists", `Process ${id} already exists`);
    const process = new ExecProcess(init, (message) => outbox.send({ ProcessID: id, Input: message }));
    processes.set(id, process);
    used.add(id);
    const run = containers
      .find(init.ContainerID)
      .then((container) => process.run(container, { signal }))
      .catch((error: unknown) => outbox.fail(error))
      .finally(() => {
        running.delete(run);
        processes.delete(id);
      });
    running.add(run);
  };
  const listen = async () => {
    for await (const { ProcessID: id, Input: input } of requests) {
      if (id === "") throw new BuildError("invalid_argument", "ProcessID required");
      if (input.case === "Init") {
        begin(id, input.value);
        continue;
      }
      const process = processes.get(id);
      if (process) await process.tell(input);
      else if (!used.has(id)) {
        throw new BuildError("not_found", `IO for process "${id}" not found`);
      }
    }
    await Promise.all(running);
  };
  listen().then(
    () => outbox.end(),
    (error: unknown) => outbox.fail(error),
  );
  try {
    yield* outbox.messages();
  } finally {
    controller.abort(new BuildError("canceled", "context canceled"));
    outbox.end();
    await Promise.all(running);
  }
}
