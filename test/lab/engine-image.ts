import { join } from "node:path";
import { pushEngineBase } from "./engine-base.ts";
import type { LabPolyarch } from "./polyarch.ts";
import { must } from "./run.ts";

const repository = join(import.meta.dirname, "..", "..");

/** Builds the image of our engine for this machine, with our engine, pushes it to a registry and returns its name there. */
export async function pushEngineImage(registry: string, builder: Pick<LabPolyarch, "env">): Promise<string> {
  const base = await pushEngineBase(registry, [process.arch === "arm64" ? "arm64" : "amd64"]);
  const name = `${registry}/polyarch/engine:stable-1`;
  const args = ["scripts/engine-image.ts", "--build-arg", `BASE=${base}`, "--tag", name, "--push", "--progress=plain"];
  await must(join(repository, "bin/node"), args, { cwd: repository, env: builder.env });
  return name;
}
