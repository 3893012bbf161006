import { BuildError } from "../../../base/errors/mod.ts";
import { type Digest, isDigest } from "../../../oci/mod.ts";
import type { Source } from "../../ops/mod.ts";
import type { RefStore } from "../../refs/mod.ts";
import type { SourceEnvironment } from "../environment.ts";
import { type Download, openDownloads } from "./downloads.ts";

/** How a fetched file is to lie in its tree. */
interface FileWishes {
  readonly filename: string | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly checksum: Digest | undefined;
  /** Name of the secret that is the `Authorization` of the request; empty: those that are named after the host. */
  readonly authSecret: string;
}

/**
 * `http://` and `https://`: one file, fetched; under the host `buildkit-session` it comes from the client itself. Its key means nothing outside of
 * this build: what is made of it is recognised by content.
 * @param options.root where files lie while the build lasts
 */
export function httpSources(options: {
  readonly refs: RefStore;
  readonly root: string;
}): readonly Source<SourceEnvironment>[] {
  const { refs } = options;
  const downloads = openDownloads(options.root);
  return ["http", "https"].map((scheme) => ({
    scheme,
    open: ({ identifier, attrs }) => {
      const wishes = readWishes(identifier, attrs);
      return {
        cacheMap: () => Promise.resolve({ key: `http:${JSON.stringify([identifier, wishes])}`, volatile: true }),
        run: async ({ environment, signal, progress }) => {
          const caller = environment.sessionId === "" ? undefined : await environment.session(undefined, { signal });
          const address = new URL(identifier);
          const authorization = await authorizationFor(address, wishes.authSecret, environment, signal);
          const file = await downloads.fetch(address, { caller, authorization, signal, progress });
          try {
            return await asTree(refs, file, wishes, identifier, signal);
          } finally {
            await file[Symbol.asyncDispose]();
          }
        },
      };
    },
  }));
}

/** What the client has for a server: a whole header, or a token. */
async function authorizationFor(
  { host }: URL,
  named: string,
  { secret }: SourceEnvironment,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!secret || host === "buildkit-session") return undefined;
  const read = async (id: string) => {
    const data = await secret(id, { signal });
    return data && new TextDecoder().decode(data).trim();
  };
  if (named !== "") {
    const header = await read(named);
    if (header === undefined) throw new BuildError("not_found", `secret ${named}: not found`);
    return header;
  }
  const header = await read(`HTTP_AUTH_HEADER_${host}`);
  if (header !== undefined) return header;
  const token = await read(`HTTP_AUTH_TOKEN_${host}`);
  return token === undefined ? undefined : `Bearer ${token}`;
}

async function asTree(refs: RefStore, file: Download, wishes: FileWishes, address: string, signal: AbortSignal) {
  const { filename = file.filename, checksum, mode, uid, gid } = wishes;
  if (checksum !== undefined && checksum !== file.digest) {
    throw new BuildError("failed_precondition", `digest mismatch ${file.digest}: ${checksum}`);
  }
  const entry = {
    path: filename,
    type: "file",
    mode,
    uid,
    gid,
    size: file.size,
    mtimeSec: file.modifiedSec,
    mtimeNsec: 0,
    digest: file.digest,
    content: { kind: "range", file: file.path, offsetBytes: 0 },
  } as const;
  const toc = { entries: [entry], whiteouts: [], opaques: [] };
  const description = `http url ${address}`;
  if (file.lasts) return await refs.fromDirectory(file.directory, toc, { description });
  const empty = refs.scratch();
  try {
    return (await refs.writeLayer(empty, toc, { signal, description })).ref;
  } finally {
    await empty.release();
  }
}

function readWishes(address: string, attrs: Readonly<Record<string, string>>): FileWishes {
  for (const name of Object.keys(attrs)) {
    if (/^http\.(sig|header)/.test(name)) {
      throw new BuildError("unimplemented", `${address}: source attribute ${name} is not supported yet`);
    }
  }
  const checksum = attrs["http.checksum"] || undefined;
  if (checksum !== undefined && !isDigest(checksum)) {
    throw new BuildError("invalid_argument", `${address}: invalid http.checksum ${checksum}`);
  }
  const filename = attrs["http.filename"] || undefined;
  if (filename !== undefined && (filename.includes("/") || filename === "." || filename === "..")) {
    throw new BuildError("invalid_argument", `${address}: invalid http.filename ${filename}`);
  }
  return {
    filename,
    checksum,
    authSecret: attrs["http.authheadersecret"] ?? "",
    mode: number(attrs, "http.perm", 8) ?? 0o600,
    uid: number(attrs, "http.uid", 10) ?? 0,
    gid: number(attrs, "http.gid", 10) ?? 0,
  };
}

function number(attrs: Readonly<Record<string, string>>, name: string, base: 8 | 10): number | undefined {
  const text = attrs[name];
  if (text === undefined || text === "") return undefined;
  if (!(base === 8 ? /^[0-7]{1,5}$/ : /^\d{1,9}$/).test(text)) {
    throw new BuildError("invalid_argument", `invalid ${name} ${JSON.stringify(text)}`);
  }
  return Number.parseInt(text, base);
}
