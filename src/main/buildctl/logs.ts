import { BuildError } from "../../base/errors/mod.ts";
import { UsageError } from "../../cli/flags/usage-error.ts";
import { parseDigest } from "../../oci/mod.ts";
import { chooseMode, openDisplay, statusFromWire } from "../../progress/mod.ts";
import type { Call } from "./command.ts";

/** `debug logs REF`: the progress of a build, from its beginning; of one under way until it ends. */
export async function showLogs({ client, args: [ref = ""], flags, write }: Call): Promise<void> {
  if (flags.isOn("trace")) {
    const [record] = await client.history({ ref });
    if (!record) throw new BuildError("not_found", `ref ${ref} not found`);
    if (!record.trace) throw new BuildError("not_found", `ref ${ref} does not have trace`);
    for await (const bytes of client.readBlob(record.trace.digest)) write(bytes);
    return;
  }
  const progress = flags.text("progress") || "auto";
  if (!["auto", "plain", "tty", "rawjson", "quiet"].includes(progress)) {
    throw new UsageError(`invalid progress mode ${progress}`);
  }
  const output = process.stdout;
  const mode = chooseMode(progress, { env: process.env, isTty: output.isTTY });
  const display = openDisplay({ mode, output, env: process.env, now: () => new Date(), sumsUpWarnings: false });
  try {
    for await (const message of client.status(ref)) display.update(statusFromWire(message));
  } finally {
    display.finish();
  }
}

/** `debug get DIGEST`: a blob's bytes. */
export async function getBlob({ client, args: [digest = ""], write }: Call): Promise<void> {
  for await (const bytes of client.readBlob(parseDigest(digest))) write(bytes);
}
