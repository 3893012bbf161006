import { inspectImage, inspectRaw } from "../../imagetools/mod.ts";
import type { Invocation } from "../command.ts";
import type { FlagTable, FlagValues } from "../flags/flag.ts";
import { registryOfBuilder } from "../registry.ts";

/** The flags of `imagetools inspect`, as the table says. */
type Flags = FlagTable & { readonly format: { readonly kind: "string" }; readonly raw: { readonly kind: "bool" } };

/** Runs `imagetools inspect NAME`. */
export async function runInspect(
  invocation: Omit<Invocation, "flags"> & { readonly flags: Pick<FlagValues<Flags>, "format" | "raw"> },
): Promise<number> {
  const { context, flags, args } = invocation;
  const { signal, stdout } = context;
  if (flags.raw && flags.format !== "") throw new Error("format and raw cannot be used together");
  await using registry = await registryOfBuilder(invocation);
  const name = args[0] as string;
  stdout.write(
    flags.raw
      ? await inspectRaw(registry, name, { signal })
      : await inspectImage(registry, name, { format: flags.format, signal }),
  );
  return 0;
}
