import { UsageError } from "../../cli/flags/usage-error.ts";
import type { Call } from "./command.ts";
import { columns, renderer } from "./render.ts";
import { sizeText } from "./sizes.ts";
import { usageHeader, usageRow, usageText, usageValue } from "./usage.ts";

/** `prune`: removes what nobody uses, and tells of each record when it is gone. */
export async function prune({ client, flags, write }: Call): Promise<void> {
  const render = flags.text("format") === "" ? undefined : renderer(flags.text("format"));
  const rules = {
    filters: flags.list("filter"),
    all: flags.isOn("all"),
    keepDurationMs: flags.duration("keep-duration"),
    reservedSpace: megabytes(flags.text("keep-storage-min"), "keep-storage-min"),
    maxUsedSpace: megabytes(flags.text("keep-storage"), "keep-storage"),
    minFreeSpace: megabytes(flags.text("free-storage"), "free-storage"),
  };
  let total = 0n;
  let isFirst = true;
  for await (const record of client.prune(rules)) {
    total += record.Size;
    if (render) write(render(usageValue(record)));
    else if (flags.isOn("verbose")) write(usageText(record));
    else write(columns((isFirst ? usageHeader : "") + usageRow(record)));
    isFirst = false;
  }
  if (!render) write(`Total:\t${sizeText(total, 2)}\n`);
}

/** @returns bytes; 0 for an empty text */
function megabytes(text: string, flag: string): number {
  const number = text === "" ? 0 : Number(text);
  if (!(number >= 0 && number < 1e12)) throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -${flag}`);
  return Math.trunc(number * 1e6);
}
