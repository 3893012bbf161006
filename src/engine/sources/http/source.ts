import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { BuildError } from "../../../base/errors/mod.ts";
import { pullUpload } from "../../../session/mod.ts";
import { verifyOpenPgp } from "../../../signatures/mod.ts";
import type { Digest } from "../../../oci/mod.ts";
import type { Source, SourceInstance } from "../../ops/mod.ts";
import type { Ref, RefStore } from "../../refs/mod.ts";
import { contentChunks } from "../../snapshots/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import { type Download, download } from "../single-file/download.ts";
import { fileNameOf } from "./file-name.ts";
import { type FileWishes, readWishes, type WantedSignature } from "./file-wishes.ts";
import type { KnownFile, KnownFiles } from "./known-files.ts";
import { type FoundFile, HttpFiles, secondsOf } from "./http-files.ts";
import { treeOfFile } from "../single-file/tree-of-file.ts";

/**
 * `http://` and `https://`: one file, recognised by its content, and only fetched where its server does not say that it is one that is kept. What
 * stands under the host `buildkit-session` comes from the client itself, and means nothing outside of this build.
 * @param options.root where files lie while they are fetched
 * @param options.known which files are kept
 */
export function httpSources(options: {
  readonly refs: RefStore;
  readonly root: string;
  readonly known: KnownFiles;
  readonly now: () => Date;
}): readonly Source<SourceEnvironment>[] {
  const files = new HttpFiles(options);
  return ["http", "https"].map((scheme) => ({
    scheme,
    open: ({ identifier, attrs }) => {
      const wishes = readWishes(identifier, attrs);
      const address = parseAddress(identifier);
      return address.host === "buildkit-session"
        ? uploaded(address, wishes, { ...options, url: identifier })
        : served(address, wishes, files, { ...options, url: identifier });
    },
  }));
}

function served(
  address: URL,
  wishes: FileWishes,
  files: HttpFiles,
  { url, now }: { readonly url: string; readonly now: () => Date },
): SourceInstance<SourceEnvironment> {
  const material = (digest: Digest) => () => ({ type: "http", url, digest }) as const;
  return {
    cacheMap: async (context) => {
      const { checksum, signature } = wishes;
      if (signature) await checkSigned(await files.open(address, wishes, context), signature, now(), context);
      if (checksum !== undefined) {
        const filename = wishes.filename ?? fileNameOf(address);
        return { key: keyOf(wishes, { digest: checksum, filename, lastModified: "" }), material: material(checksum) };
      }
      const found = await files.find(address, wishes, context);
      return { key: keyOf(wishes, found), material: material(found.digest) };
    },
    run: async (context) => {
      const found = await files.open(address, wishes, context);
      const { checksum } = wishes;
      if (checksum === undefined || checksum === found.digest) return found.ref;
      await found.ref.release();
      throw mismatch(found.digest, checksum);
    },
    facts: async (context, { checksum: asked }) => {
      const { checksum: pinned, signature } = wishes;
      if (signature) await checkSigned(await files.open(address, wishes, context), signature, now(), context);
      if (pinned !== undefined && !asked) {
        const filename = wishes.filename ?? fileNameOf(address);
        return { type: "http", digest: pinned, filename, lastModifiedSec: undefined };
      }
      if (!asked) return factsOf(await files.find(address, wishes, context));
      const found = await files.open(address, wishes, context);
      const hash = createHash(asked.algorithm);
      await readFile(found, context, async (open) => {
        for await (const chunk of open()) hash.update(chunk);
      });
      if (pinned !== undefined && pinned !== found.digest) throw mismatch(found.digest, pinned);
      return { ...factsOf(found), checksum: `${asked.algorithm}:${hash.update(asked.suffix).digest("hex")}` };
    },
    time: async (context) => secondsOf((await files.find(address, wishes, context)).lastModified),
  };
}

/** What the client sends once, while its build lasts. */
function uploaded(
  address: URL,
  wishes: FileWishes,
  options: { readonly url: string; readonly refs: RefStore; readonly root: string; readonly now: () => Date },
): SourceInstance<SourceEnvironment> {
  const { url, refs, root, now } = options;
  const seen = new WeakMap<SourceEnvironment, Digest>();
  return {
    cacheMap: ({ environment }) =>
      Promise.resolve({
        key: `http:${JSON.stringify([address.href, wishes])}`,
        volatile: true,
        material: () => ({ type: "http", url, digest: wishes.checksum ?? seen.get(environment) }),
      }),
    run: async ({ environment, signal, progress }) => {
      if (environment.sessionId === "") {
        throw new BuildError("failed_precondition", "no active sessions: the client of this build offers no session");
      }
      const caller = await environment.session(undefined, { signal });
      const bytes = pullUpload(caller, address, { signal });
      const file = await download(root, { bytes, total: undefined }, { id: "transferring upload", signal, progress });
      // It cannot be had again.
      caller.closed.addEventListener("abort", () => void file[Symbol.asyncDispose](), { once: true });
      checkDigest(file, wishes);
      seen.set(environment, file.digest);
      if (wishes.signature) await verifySignature(() => createReadStream(file.path), wishes.signature, now());
      const toc = treeOfFile(file, wishes, { filename: wishes.filename ?? "context", modifiedSec: 0 });
      return await refs.fromDirectory(file.directory, toc, { description: `http url ${address.href}` });
    },
  };
}

function factsOf({ digest, filename, lastModified }: FoundFile) {
  return { type: "http", digest, filename, lastModifiedSec: secondsOf(lastModified) } as const;
}

type OpenFile = FoundFile & { readonly ref: Ref };

async function checkSigned(
  file: OpenFile,
  wanted: WantedSignature,
  now: Date,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  await readFile(file, options, async (open) => await verifySignature(open, wanted, now));
}

/** Releases `ref`, whatever comes of it. */
async function readFile(
  { ref, filename }: OpenFile,
  { signal }: { readonly signal: AbortSignal },
  work: (open: () => AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  try {
    const entry = (await ref.tree({ signal })).get(filename);
    const [located] = await ref.locate(entry ? [entry] : [], { signal });
    if (!located) throw new Error(`Internal error: "${filename}" is not in its tree`);
    await work(() => contentChunks(located));
  } finally {
    await ref.release();
  }
}

async function verifySignature(
  open: () => AsyncIterable<Uint8Array>,
  { keys, signature }: WantedSignature,
  now: Date,
): Promise<void> {
  try {
    await verifyOpenPgp(open, { keys, signature, now });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new BuildError(error.code, `failed to verify pgp signature: ${error.message}`, { cause: error });
  }
}

function checkDigest({ digest }: Download, { checksum }: FileWishes): void {
  if (checksum === undefined || checksum === digest) return;
  throw mismatch(digest, checksum);
}

function mismatch(got: Digest, wanted: Digest): BuildError {
  return new BuildError("failed_precondition", `digest mismatch ${got}: ${wanted}`);
}

/** Of all that the tree is made of. */
function keyOf(
  { mode, uid, gid }: FileWishes,
  { digest, filename, lastModified }: Pick<KnownFile, "digest" | "filename" | "lastModified">,
): string {
  return `http:${JSON.stringify({ filename, mode, uid, gid, digest, lastModified })}`;
}

function parseAddress(text: string): URL {
  const address = URL.parse(text);
  if (!address) throw new BuildError("invalid_argument", `invalid address ${JSON.stringify(text)}`);
  return address;
}
