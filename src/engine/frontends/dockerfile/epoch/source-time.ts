import { marshal, scratch, type State } from "../../../../llb/mod.ts";
import { archiveStartBytes, startsLikeArchive } from "../../../../tar/mod.ts";
import type { Bridge } from "../../bridge.ts";

/**
 * When the one source of a graph was last changed: as the source says, or else the newest file of the archive that it gives.
 * @returns in seconds; `undefined` where nobody knows, or where there are several sources
 */
export async function timeOfSource(
  state: State,
  { bridge, logName, signal }: { readonly bridge: Bridge; readonly logName: string; readonly signal: AbortSignal },
): Promise<bigint | undefined> {
  const definition = marshal(state);
  const source = await bridge.sourceTime(definition, { logName, signal });
  if (source?.seconds !== undefined) return BigInt(source.seconds);
  if (!source || !/^https?$/.test(source.scheme)) return undefined;
  const ref = await bridge.solve(definition, { signal });
  const [file, ...others] = await ref.readDir("/", { signal });
  if (!file || others.length > 0 || file.type !== "file") return undefined;
  const start = await ref.readFile(file.path, { signal, startBytes: archiveStartBytes });
  if (!startsLikeArchive(start)) return undefined;
  const unpacked = scratch.file(
    [{ type: "copy", from: state, source: `/${file.path}`, destination: "/", attemptUnpack: true }],
    { name: logName },
  );
  const newest = await (await bridge.solve(marshal(unpacked), { signal })).newestFile({ signal });
  return newest === undefined ? undefined : BigInt(newest);
}
