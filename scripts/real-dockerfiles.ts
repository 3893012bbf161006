/**
 * Parses and converts Dockerfiles as they are in the wild, for two platforms, as if every image were there.
 *
 *   bin/node scripts/real-dockerfiles.ts DIRECTORY
 *
 * DIRECTORY has one folder per project; every file below it is taken for a Dockerfile. Prints what is refused, and how many of how many
 * projects were taken. Exits 1 when something is refused. Dockerfiles of others are no part of this repository: docs/dockerfile.md names
 * the projects that this was last run with.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../src/base/errors/mod.ts";
import { dockerfileFrontend } from "../src/engine/frontends/mod.ts";
import { MemoryBridge } from "../src/engine/frontends/testing/memory-bridge.ts";
import { offerHelp } from "./own-help.ts";

offerHelp(import.meta.filename);

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error("usage: bin/node scripts/real-dockerfiles.ts DIRECTORY (more with --help)");
  process.exit(1);
}

/** Every image is there, and empty. */
const images = new Proxy({}, { get: () => ({ config: { Env: ["PATH=/bin"], WorkingDir: "/" } }) });

let files = 0;
let refused = 0;
const projects = readdirSync(directory);
for (const project of projects) {
  for (const name of readdirSync(join(directory, project), { recursive: true }) as string[]) {
    const path = join(directory, project, name);
    if (!statSync(path).isFile()) continue;
    files++;
    const options = { platform: "linux/amd64,linux/arm64" };
    const bridge = new MemoryBridge({ options, files: { Dockerfile: readFileSync(path) }, images });
    try {
      await dockerfileFrontend(bridge, { signal: new AbortController().signal });
    } catch (error) {
      refused++;
      console.log(`${project}/${name}: ${messageOf(error)}`);
    }
  }
}
console.log(`${files} Dockerfiles of ${projects.length} projects, ${refused} refused`);
process.exitCode = refused > 0 ? 1 : 0;
