import { goQuote } from "../../../../base/text/go-values/mod.ts";
import type { AddInstruction } from "../../../../dockerfile/mod.ts";
import { git, http, type State } from "../../../../llb/mod.ts";
import { type Digest, isDigest } from "../../../../oci/mod.ts";
import type { GitUrl } from "../../../../base/text/git-url/mod.ts";
import type { PlannedStep, Stage } from "../stage.ts";
import { addCopyStep, expandCopy, lintIgnoredSource, type SourceAction } from "./copy-files.ts";
import { pathActions } from "./copy-paths.ts";
import { placeOf } from "./remote-sources.ts";

/** Copies from the build context (tar files are unpacked unless `--unpack=false`), fetches files, checks repositories out. */
export function applyAdd(stage: Stage, instruction: AddInstruction, step: PlannedStep): void {
  const given = expandCopy(stage, instruction);
  const checksum = instruction.checksum === undefined ? "" : stage.expand(instruction.checksum);
  const places = given.sources.map((path) => ({ path, place: placeOf(path) }));
  if (checksum !== "") {
    if (places.length !== 1) throw new Error("checksum can't be specified for multiple sources");
    if (places.some(({ place }) => place.type === "path")) throw new Error("checksum requires HTTP(S) or Git sources");
  }
  const { context } = stage.conversion;
  // What is fetched goes under the name of the step.
  const vertex = stage.vertexOptions(step, { keepQuotes: false });
  const { name = "" } = vertex;
  const actions = places.map(({ path, place }): SourceAction => {
    switch (place.type) {
      case "git":
        return { from: repository(place.url, { checksum, keepGitDir: instruction.keepGitDir, name }), source: "/" };
      case "http": {
        const { filename } = place;
        const from = http(
          path,
          { filename, checksum: checksum === "" ? undefined : parseChecksum(checksum) },
          { name },
        );
        return { from, source: filename, attemptUnpack: instruction.unpack ?? false };
      }
      case "path":
        lintIgnoredSource(stage, "Add", path);
        return pathActions(path, context.state, { parents: false, attemptUnpack: instruction.unpack ?? true });
    }
  });
  addCopyStep(stage, { ...given, actions, flags: [], link: instruction.link, vertex }, instruction);
  for (const { path, place } of places) if (place.type === "path") context.use(path);
}

/** @throws {Error} with Go's words */
function parseChecksum(text: string): Digest {
  const at = text.indexOf(":");
  if (at <= 0 || at + 1 === text.length) throw new Error("invalid checksum digest format");
  const length = { sha256: 64, sha384: 96, sha512: 128 }[text.slice(0, at)];
  if (length === undefined) {
    const wellFormed = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/.test(text);
    throw new Error(wellFormed ? "unsupported digest algorithm" : "invalid checksum digest format");
  }
  if (text.length - at - 1 !== length) throw new Error("invalid checksum digest length");
  if (!isDigest(text)) throw new Error("invalid checksum digest format");
  return text;
}

/** What the flags say, and what the address says, must agree. */
function repository(
  url: GitUrl,
  wanted: { readonly checksum: string; readonly keepGitDir: boolean | undefined; readonly name: string },
): State {
  if (wanted.keepGitDir !== undefined && url.keepGitDir !== undefined && wanted.keepGitDir !== url.keepGitDir) {
    throw new Error("inconsistent keep-git-dir configuration");
  }
  if (wanted.checksum !== "" && url.checksum !== undefined && wanted.checksum !== url.checksum) {
    throw new Error(`checksum mismatch ${goQuote(wanted.checksum)} != ${goQuote(url.checksum)}`);
  }
  return git(
    {
      ...url,
      keepGitDir: url.keepGitDir ?? wanted.keepGitDir ?? false,
      checksum: url.checksum ?? wanted.checksum,
      skipSubmodules: url.submodules === false,
    },
    { name: wanted.name },
  );
}
