import { control } from "../../api/mod.ts";
import { BuildError } from "../../base/errors/mod.ts";
import type { Message } from "../../base/protobuf/mod.ts";
import { UsageError } from "../../cli/flags/usage-error.ts";
import type { HistoryEvent } from "../../client/mod.ts";
import type { Call } from "./command.ts";
import { goMessage } from "./go-message.ts";
import { columns, renderer } from "./render.ts";
import { localTimeText } from "./time-text.ts";

/** `debug histories`: builds under way and ended ones. */
export async function showHistories({ client, flags, write }: Call): Promise<void> {
  const format = flags.text("format");
  const render = format === "" ? undefined : renderer(format);
  let header = `${headings}\tPINNED\n`;
  for await (const event of client.historyEvents()) {
    if (render) write(render(goMessage(control.BuildHistoryEventSchema, event as Message)));
    else write(columns(`${header}${rowOf(event)}\t${event.record?.pinned ? "*" : ""}\n`));
    header = "";
  }
  if (!render) write(columns(header));
}

const headings = "TYPE\tREF\tCREATED\tCOMPLETED\tGENERATION";

/** `prune-histories`: forgets the builds that nobody has pinned. Those that cannot be forgotten are told of at the end. */
export async function pruneHistories({ client, flags, write }: Call): Promise<void> {
  const format = flags.text("format");
  const render = format === "" ? undefined : renderer(format);
  let header = `${headings}\n`;
  const failures: unknown[] = [];
  const events = await Array.fromAsync(client.historyEvents());
  for (const event of events) {
    if (!event.record || event.record.pinned) continue;
    try {
      await client.deleteHistory(event.record.Ref);
    } catch (error) {
      failures.push(error);
      continue;
    }
    if (render) write(render(goMessage(control.BuildHistoryEventSchema, event as Message)));
    else write(columns(`${header}${rowOf(event)}\n`));
    header = "";
  }
  if (!render) write(columns(header));
  if (failures.length > 0) {
    throw new BuildError("unknown", failures.map((error) => (error as Error).message).join("\n"), {
      cause: failures[0],
    });
  }
}

/** `debug ctl REF`: pins, unpins or deletes a record. */
export async function controlHistory({ client, args: [ref = ""], flags }: Call): Promise<void> {
  const [pin, unpin, remove] = [flags.isOn("pin"), flags.isOn("unpin"), flags.isOn("delete")];
  if (!pin && !unpin && !remove) throw new UsageError("must specify one of --pin, --unpin, --delete");
  if (pin && unpin) throw new UsageError("cannot specify both --pin and --unpin");
  if (remove && (pin || unpin)) throw new UsageError("cannot specify --delete with --pin or --unpin");
  if (remove) await client.deleteHistory(ref);
  else await client.pinHistory(ref, pin);
}

function rowOf({ type, record }: HistoryEvent): string {
  const name = Object.entries(control.BuildHistoryEventType).find(([, number]) => number === type)?.[0] ?? String(type);
  const { Ref = "", CreatedAt, CompletedAt, Generation = 0 } = record ?? {};
  return [name, Ref, localTimeText(CreatedAt), localTimeText(CompletedAt), Generation].join("\t");
}
