import { messageOf } from "../../../../base/errors/mod.ts";
import { log } from "../../../../base/log/mod.ts";
import { type Attachment, detach, interfaceName } from "./attachment.ts";
import { leasedAddresses } from "./host-local.ts";
import { type NetworkNamespace, restoreNamespace } from "./namespace.ts";
import type { PluginRunner } from "./plugin.ts";
import type { AttachmentRecords } from "./records.ts";
import { interfacesIn, type ResultInterface } from "./result.ts";

/** A namespace and how it is connected. */
export interface Connected {
  readonly namespace: NetworkNamespace;
  readonly attachment: Attachment;
}

/** With what attachments are undone, and where they are noted. */
export interface Undoing {
  readonly runner: PluginRunner;
  readonly records: AttachmentRecords;
}

/** Takes a connection and its namespace away. What cannot be taken apart now stays noted, and is tried again when an engine starts. */
export async function takeApart({ runner, records }: Undoing, { namespace, attachment }: Connected): Promise<void> {
  try {
    await detach(runner, attachment, namespace.path);
    records.remove(attachment.id);
  } catch (error) {
    log.warn(`failed to release a network namespace, noted in ${records.path(attachment.id)}: ${messageOf(error)}`);
  } finally {
    namespace[Symbol.dispose]();
  }
}

/**
 * Takes away what an engine before has left. When it was killed its namespaces are gone, and the devices in them; leases of addresses and rules of
 * firewalls are not.
 */
export async function takeApartNoted(undoing: Undoing): Promise<void> {
  const { records } = undoing;
  for (const id of records.ids()) {
    const attachment = records.read(id);
    if (attachment) {
      const namespace = restoreNamespace(interfacesOf(attachment));
      await takeApart(undoing, { namespace, attachment });
    } else {
      records.remove(id);
    }
  }
}

/** What was in the namespace. The engine, and the plugin with it, may have been killed before that could say so. */
function interfacesOf(attachment: Attachment): readonly ResultInterface[] {
  const { result } = attachment;
  if (result !== undefined) return interfacesIn(result, interfaceName);
  return [{ name: interfaceName, addresses: leasedAddresses(attachment) }];
}
