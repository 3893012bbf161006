import type { NetworkList } from "./network-list.ts";
import { callPlugin, type PluginRunner } from "./plugin.ts";

/** A namespace and the network that it is connected to: all that is needed to take the connection away again, also by another engine. */
export interface Attachment {
  readonly id: string;
  readonly list: NetworkList;
  /** Where its plugins are. */
  readonly directories: readonly string[];
  /** `CNI_ARGS` */
  readonly args: string;
  /** What the last plugin said; `undefined` as long as not all are done. */
  readonly result?: unknown;
}

/** The device that a step finds beside the loopback one. */
export const interfaceName = "eth0";

/**
 * Connects a namespace, plugin after plugin, and yields the attachment as it is after each of them. When that fails, {@link detach} must follow, with
 * what was yielded last.
 */
export async function* attach(
  runner: PluginRunner,
  attachment: Attachment,
  namespace: string,
  options: { signal?: AbortSignal | undefined },
): AsyncGenerator<Attachment> {
  const call = { command: "ADD", ...common(attachment, namespace) } as const;
  let result: unknown;
  for (const plugin of attachment.list.plugins) {
    const config = { ...plugin, ...head(attachment), ...(result === undefined ? {} : { prevResult: result }) };
    result = await callPlugin(runner, { ...call, type: plugin.type, config }, options);
    yield { ...attachment, result };
  }
}

/**
 * Undoes {@link attach}, also one that was never finished: what is gone already is fine for plugins. Every plugin gets its turn.
 * @throws the first failure
 */
export async function detach(runner: PluginRunner, attachment: Attachment, namespace: string): Promise<void> {
  const { list, result } = attachment;
  const call = { command: "DEL", ...common(attachment, namespace) } as const;
  const failures: unknown[] = [];
  for (const plugin of list.plugins.toReversed()) {
    const known = result === undefined || !knowsPrevious(list.cniVersion) ? {} : { prevResult: result };
    const config = { ...plugin, ...head(attachment), ...known };
    try {
      await callPlugin(runner, { ...call, type: plugin.type, config });
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Since version 0.4.0 plugins are told at the end what came of their work. */
function knowsPrevious(cniVersion: string): boolean {
  return !/^0\.[0-3]\./.test(cniVersion);
}

function head({ list: { name, cniVersion } }: Attachment) {
  return { name, cniVersion };
}

function common({ id, args, directories }: Attachment, namespace: string) {
  return { containerId: id, namespace, interfaceName, args, directories };
}
