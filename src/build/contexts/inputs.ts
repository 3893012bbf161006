import type { BlobReader } from "../../content/mod.ts";

/** What a build reads: how the request names it, and what the session offers of it. */
export interface BuildInputs extends AsyncDisposable {
  /** The frontend's attributes that speak of contexts and of the Dockerfile. */
  readonly attrs: Readonly<Record<string, string>>;
  /** Directories by the name under which the engine asks for them. */
  readonly directories: Readonly<Record<string, string>>;
  /** OCI layouts by the name that is in the attributes. */
  readonly layouts: Readonly<Record<string, BlobReader>>;
  /** What the engine fetches from this client, by id. */
  readonly uploads: Readonly<Record<string, () => AsyncIterable<Uint8Array>>>;
  /** The main context, where it is a directory of this machine. */
  readonly context: string | undefined;
}

/** What people say about contexts, as typed. */
export interface InputWishes {
  readonly context: string;
  /** Empty for the context's own. */
  readonly dockerfile: string;
  /** `name=value` */
  readonly buildContexts: readonly string[];
}

/** What contexts draw on besides the wishes. */
export interface InputEnvironment {
  readonly cwd: string;
  /** Read when a context or a Dockerfile is said to be there. */
  readonly stdin: NodeJS.ReadableStream;
  /** Several engines read what is on stdin: it is kept in a file for as long as the build lasts. */
  readonly severalEngines: boolean;
  readonly signal: AbortSignal;
}
