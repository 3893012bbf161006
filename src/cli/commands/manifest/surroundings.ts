import { join } from "node:path";
import { messageOf } from "../../../base/errors/mod.ts";
import { dockerConfigDirectory } from "../../../docker/mod.ts";
import { ManifestListStore } from "../../../imagetools/mod.ts";
import { parseReference, type Reference, withDefaultTag } from "../../../oci/mod.ts";
import type { Registry } from "../../../registry/mod.ts";
import type { CliContext } from "../../context.ts";
import { registryOf } from "../../registry.ts";

/** The lists of this user, where docker's own CLI has them. */
export function storeOf({ env, home }: CliContext): ManifestListStore {
  return new ManifestListStore(join(dockerConfigDirectory(env, home), "manifests"));
}

/** A name spelled out, with the tag `latest` when it has none. */
export function nameOf(text: string, what?: string): Reference {
  try {
    return withDefaultTag(parseReference(text));
  } catch (cause) {
    if (what === undefined) throw cause;
    throw new Error(`${what} ${text}: ${messageOf(cause)}`, { cause });
  }
}

/** The registry client; `insecure`: over plain HTTP where there is no HTTPS, and whatever the certificate. */
export async function registryFor(context: CliContext, options: { insecure: boolean }): Promise<Registry> {
  return await registryOf(context, options.insecure ? { hosts: () => ({ insecure: true, plainHttp: true }) } : {});
}
