import { findAttachment, findBuild, readAttachment } from "../../../history/mod.ts";
import { formatPlatform, parsePlatform } from "../../../oci/mod.ts";
import type { Invocation } from "../../command.ts";
import type { historyAttachmentFlags } from "../history.ts";
import { openPlace } from "./place.ts";

/** Runs `history inspect attachment [REF [DIGEST]]`: writes the attachment as it is. */
export async function runAttachment(invocation: Invocation<typeof historyAttachmentFlags>): Promise<number> {
  const { context, flags, args } = invocation;
  const { signal, stdout } = context;
  const { type } = flags;
  const [ref = "", digest = ""] = args;
  if (type === "" && flags.platform === "" && digest === "") {
    throw new Error("at least one of --type, --platform or DIGEST must be specified");
  }
  const platform = flags.platform === "" ? "" : formatPlatform(parsePlatform(flags.platform));
  await using place = await openPlace(invocation);
  const build = await findBuild(place, ref, { signal });
  const attachment = await findAttachment(build, { digest, platform, type }, { signal });
  stdout.write(await readAttachment(build, attachment.digest, { signal }));
  return 0;
}
