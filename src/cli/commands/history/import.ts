import { createReadStream } from "node:fs";
import { once } from "node:events";
import { resolve } from "node:path";
import { messageOf } from "../../../base/errors/mod.ts";
import type { Invocation } from "../../command.ts";
import type { historyImportFlags } from "../history.ts";
import { uploadBundle } from "./docker-desktop.ts";
import { openAddress } from "./open-address.ts";

/** Runs `history import`: hands bundles to Docker Desktop, and has it show the first build in them. */
export async function runImport({ context, flags }: Invocation<typeof historyImportFlags>): Promise<number> {
  const { stdin, stderr, cwd, env } = context;
  const urls: string[] = [];
  for (const name of flags.file.length > 0 ? flags.file : ["-"]) {
    const bundle = name === "-" ? stdin : await opened(resolve(cwd, name), name);
    urls.push(...(await uploadBundle(bundle, context)));
  }
  const [first] = urls;
  if (first === undefined) throw new Error("no build records found in the bundle");
  for (const url of urls) stderr.write(`${url}\n`);
  await openAddress(first, { env });
  return 0;
}

async function opened(path: string, name: string): Promise<NodeJS.ReadableStream> {
  const file = createReadStream(path);
  try {
    await once(file, "open");
  } catch (cause) {
    throw new Error(`failed to open file ${name}: ${messageOf(cause)}`, { cause });
  }
  return file;
}
