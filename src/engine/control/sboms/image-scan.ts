import { marshal, scratch, type State, stateOfDefinition } from "../../../llb/mod.ts";
import { decodeImageConfig, formatReference, parseReference, withDigest } from "../../../oci/mod.ts";
import { type ScannerImage, scannerRun } from "../../attestations/mod.ts";
import type { FrontendResultRef } from "../../frontends/mod.ts";
import type { Build } from "../build.ts";
import type { LazyResult } from "../lazy-result.ts";
import type { ScannedRef, ScanOptions } from "./scan-options.ts";

/**
 * Has an image look through results. It is looked up now; it runs when somebody looks into what it has written.
 * @returns the directories of statements, one for each result
 * @throws {BuildError} when there is no such image, or it has nothing to run
 */
export async function imageScans(
  build: Build,
  refs: readonly ScannedRef[],
  generator: string,
  options: ScanOptions,
): Promise<readonly LazyResult[]> {
  const { request, policies = [], ignoreCache = false } = options;
  const scanner = await findScanner(generator, options);
  const scans = refs.map(async ({ id, definition, scan }) => {
    const extras = new Map([...(scan?.extras ?? [])].map(([name, tree]) => [name, stateOf(tree)]));
    const statements = scannerRun(
      scanner,
      { core: stateOf(definition), extras },
      { title: id, parameters: request.parameters, ignoreCache: ignoreCache || scan?.ignoreCache === true },
    );
    return await build.add(marshal(statements), { policies });
  });
  return await Promise.all(scans);
}

async function findScanner(
  name: string,
  { platform, resolveMode, bridge, signal }: ScanOptions,
): Promise<ScannerImage> {
  const logName = `resolve image config for docker-image://${name}`;
  const { ref, digest, config } = await bridge.resolveImageConfig(name, { platform, resolveMode, logName, signal });
  const pinned = digest ? formatReference(withDigest(parseReference(ref), digest)) : ref;
  return { name: ref, pinned, platform, config: decodeImageConfig(config) };
}

const stateOf = (definition: FrontendResultRef["definition"]): State =>
  definition ? stateOfDefinition(definition) : scratch;
