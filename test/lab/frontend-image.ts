import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { pushEngineBase } from "./engine-base.ts";
import type { LabPolyarch } from "./polyarch.ts";

/** What the image says of itself. */
export interface FrontendImageOptions {
  readonly tag: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Builds the image of `frontend/words.ts` with our engine, pushes it to a registry and returns its name there. */
export async function pushFrontendImage(
  registry: string,
  builder: Pick<LabPolyarch, "polyarch">,
  { tag, labels = {} }: FrontendImageOptions,
): Promise<string> {
  const base = await pushEngineBase(registry, [process.arch === "arm64" ? "arm64" : "amd64"]);
  const directory = await mkdtemp(join(tmpdir(), "polyarch-frontend-"));
  try {
    await build({
      entryPoints: [join(import.meta.dirname, "frontend/words.ts")],
      outfile: join(directory, "words.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "error",
    });
    await copyFile(process.execPath, join(directory, "node"));
    await chmod(join(directory, "node"), 0o755);
    const label = Object.entries(labels).map(([key, value]) => `LABEL ${key}=${JSON.stringify(value)}\n`);
    await writeFile(
      join(directory, "Dockerfile"),
      `FROM ${base}\nCOPY node /node\nCOPY words.mjs /words.mjs\nENV WORDS=1\n${label.join("")}ENTRYPOINT ["/node", "/words.mjs"]\n`,
    );
    const name = `${registry}/words:${tag}`;
    const done = await builder.polyarch(["build", "--progress=plain", "--tag", name, "--push", directory]);
    if (done.code !== 0) throw new Error(done.stderr);
    return name;
  } finally {
    await rm(directory, { recursive: true });
  }
}
