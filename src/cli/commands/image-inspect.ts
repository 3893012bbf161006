import { inspectDetails, inspectDetailsRaw } from "../../imagetools/mod.ts";
import { currentPlatform, parsePlatform } from "../../oci/mod.ts";
import { checkBuilder } from "../builder.ts";
import type { Invocation } from "../command.ts";
import type { FlagTable, FlagValues } from "../flags/flag.ts";
import { UsageError } from "../flags/usage-error.ts";
import { registryOf } from "../registry.ts";

/** The flags of `image inspect`, as the table says. */
type Flags = FlagTable & {
  readonly format: { readonly kind: "string" };
  readonly platform: { readonly kind: "string" };
  readonly raw: { readonly kind: "bool" };
  readonly verify: { readonly kind: "bool" };
};

/** Runs `image inspect NAME`. */
export async function runImageInspect(
  invocation: Omit<Invocation, "flags"> & {
    readonly flags: Pick<FlagValues<Flags>, "format" | "platform" | "raw" | "verify">;
  },
): Promise<number> {
  const { context, args } = invocation;
  const { format, raw, verify } = invocation.flags;
  if (verify && raw) throw new UsageError("verify and raw cannot be used together");
  if (raw && format !== "") throw new UsageError("format and raw cannot be used together");
  const name = args[0] as string;
  const asked = invocation.flags.platform;
  const platform = asked === "" ? undefined : asked === "local" ? currentPlatform() : parsePlatform(asked);
  await checkBuilder(invocation);
  await using registry = await registryOf(context);
  const options = { platform, signal: context.signal };
  if (raw) {
    context.stdout.write(await inspectDetailsRaw(registry, name, options));
    return 0;
  }
  const { text, problems } = await inspectDetails(registry, name, { ...options, format, verify });
  context.stdout.write(text);
  for (const problem of problems) context.stderr.write(`ERROR: ${problem}\n`);
  return problems.length > 0 ? 1 : 0;
}
