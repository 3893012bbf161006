import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../base/errors/mod.ts";
import { suggestion } from "../base/text/suggest/mod.ts";
import { ignoredBy } from "../dockerfile/mod.ts";
import type { BuildInputs } from "./contexts/mod.ts";

const sourceDetail = "github.com/moby/buildkit/errdefs.Source+json";

/** A directory is not searched for similar names beyond so many. */
const maxNames = 10_000;

/**
 * Says more of a source that a step did not find: which line of `.dockerignore` keeps it out, or which name may have been meant. Only for what is
 * taken from directories of this machine; other failures stay as they are.
 */
export async function explainMissing(error: BuildError, inputs: BuildInputs): Promise<BuildError> {
  const missing = /failed to calculate checksum of ref .*: "\/(.*)": not found$/.exec(error.message)?.[1];
  if (missing === undefined) return error;
  const place = placeOf(error, inputs);
  const hint = place && (await hintFor(missing, place).catch(() => undefined)); // an explanation that fails explains nothing
  if (hint === undefined) return error;
  const { code, details, location, cause } = error;
  return new BuildError(code, `${error.message} (${hint})`, { cause, details, location });
}

/** Where the step takes from, and the files that may keep something of it out, the first that there is. */
interface Place {
  readonly root: string;
  readonly ignoreFiles: readonly { readonly path: string; readonly name: string }[];
}

function placeOf(error: BuildError, { attrs, directories, context }: BuildInputs): Place | undefined {
  const instruction = instructionOf(error);
  if (instruction === undefined) return undefined;
  const own = (root: string) => ({ path: join(root, ".dockerignore"), name: ".dockerignore" });
  const from = /\bfrom=([^\s,]+)/.exec(instruction)?.[1];
  if (from !== undefined) {
    const name = /^local:(.*)$/s.exec(attrs[`context:${from}`] ?? "")?.[1];
    const root = name === undefined ? undefined : directories[name];
    return root === undefined ? undefined : { root, ignoreFiles: [own(root)] };
  }
  if (context === undefined) return undefined;
  const beside = directories.dockerfile;
  const name = `${attrs.filename ?? "Dockerfile"}.dockerignore`;
  const ignoreFiles = [...(beside === undefined ? [] : [{ path: join(beside, name), name }]), own(context)];
  return { root: context, ignoreFiles };
}

/** The lines of the Dockerfile that the error speaks of. */
function instructionOf({ details }: BuildError): string | undefined {
  const detail = details.find(({ typeUrl }) => typeUrl === sourceDetail);
  if (!detail) return undefined;
  try {
    const { info, ranges } = JSON.parse(new TextDecoder().decode(detail.value)) as {
      info: { data: string };
      ranges: readonly { start: { line: number }; end: { line: number } }[];
    };
    const lines = Buffer.from(info.data, "base64").toString("utf8").split("\n");
    return ranges.map(({ start, end }) => lines.slice(start.line - 1, end.line).join("\n")).join("\n");
  } catch {
    return undefined;
  }
}

async function hintFor(missing: string, { root, ignoreFiles }: Place): Promise<string | undefined> {
  for (const { path, name } of ignoreFiles) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const by = ignoredBy(text, missing);
    if (by) return `excluded by line ${by.line} of ${name}: ${JSON.stringify(by.pattern)}`;
    break;
  }
  return await nearName(missing, root);
}

/** The same path with another name at the first place where it leads nowhere. */
async function nearName(missing: string, root: string): Promise<string | undefined> {
  let found = "";
  const parts = missing.split("/");
  for (const [at, part] of parts.entries()) {
    const names = await readdir(join(root, found));
    if (names.includes(part)) {
      found = join(found, part);
      continue;
    }
    if (names.length > maxNames) return undefined;
    const meant = suggestion(part, names) ?? names.find((name) => name.toLowerCase() === part.toLowerCase());
    return meant === undefined
      ? undefined
      : `did you mean ${[found, meant, ...parts.slice(at + 1)].filter(Boolean).join("/")}?`;
  }
  return undefined;
}
