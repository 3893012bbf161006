import { join } from "node:path";
import { BuildError } from "../../../base/errors/mod.ts";
import type { OpContext } from "../../solver/mod.ts";
import { openBlob } from "../blob/open-blob.ts";
import type { SourceEnvironment } from "../environment.ts";
import { download } from "../single-file/download.ts";
import type { Git } from "./git.ts";
import { objectFormatOf } from "./object-name.ts";
import type { WantedBundle } from "./request.ts";

/** Where commits are fetched from: the remote, or what stands for it. */
export interface GitPlace {
  readonly url: string;
  /** For the commands that speak to it. */
  readonly env: Readonly<Record<string, string>>;
}

/** For commands that may read repositories of this machine, and nothing else. */
export const onThisMachine: Readonly<Record<string, string>> = { GIT_ALLOW_PROTOCOL: "file" };

/**
 * Fetches a bundle into a repository of its own below `home`.
 * @throws {BuildError} `not_found`; {@link GitFailure} when it is no bundle
 */
export async function unpackBundle(
  git: Git,
  { locator, store }: WantedBundle,
  home: string,
  { environment, signal, progress }: Pick<OpContext<SourceEnvironment>, "environment" | "signal" | "progress">,
): Promise<GitPlace> {
  const incoming = await openBlob(locator, store, environment, signal);
  await using file = await download(home, incoming, { id: `downloading ${locator.digest}`, signal, progress });
  const heads = await git.run(["bundle", "list-heads", file.path]);
  const [object = ""] = heads.split(/\s/, 1);
  if (object === "")
    throw new BuildError("invalid_argument", `git bundle ${locator.name}@${locator.digest} has no refs`);
  const repository = join(home, "bundle.git");
  const format = `--object-format=${objectFormatOf(object)}`;
  await git.run(["-c", "init.defaultBranch=master", "init", "--quiet", "--bare", format, repository]);
  const options = { cwd: repository, env: onThisMachine };
  await git.run(["fetch", "--quiet", "--", file.path, "+refs/*:refs/*"], options);
  await git.run(["config", "uploadpack.allowAnySHA1InWant", "true"], options);
  return { url: `file://${repository}`, env: onThisMachine };
}
