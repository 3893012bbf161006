import { alignTabs } from "../../cli/table/mod.ts";
import type { Call } from "./command.ts";
import { goValue, renderer } from "./render.ts";
import { versionLines, versionValue } from "./versions.ts";

/** `debug info`: which engine answers. */
export async function showInfo({ client, flags, promptly, write }: Call): Promise<void> {
  const version = await client.info({ signal: promptly });
  const format = flags.text("format");
  if (format === "") return write(alignTabs(versionLines(version), { minWidth: 0, padding: 1 }));
  const value = versionValue(version);
  write(renderer(format)(goValue({ BuildkitVersion: value }, { buildkitVersion: value })));
}
