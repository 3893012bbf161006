import type { Platform } from "../../oci/mod.ts";
import type { DeviceRegistry } from "../devices/mod.ts";
import type { Executor } from "../executor/mod.ts";
import type { OpenedRefStore } from "../refs/mod.ts";
import type { DiskUse } from "./disk-use.ts";
import type { OpEnvironment } from "./environment.ts";
import type { Source } from "./source.ts";

/** Reads archives on another thread: what ops want of the engine's byte workers. */
export interface ArchiveReader {
  /**
   * Reads a tar, plain or in gzip or zstd, into an encoded table of contents. Names mean nothing special.
   * @param input `tarFile`: where to put the uncompressed tar
   */
  run(
    job: "read",
    input: {
      readonly file: string;
      readonly offsetBytes: number;
      readonly size?: number;
      readonly tarFile?: string;
      readonly plainNames: true;
    },
    options: { signal: AbortSignal },
  ): Promise<{ readonly toc: Uint8Array }>;
}

/** What ops work with. One per engine. */
export interface OpDeps<C extends OpEnvironment = OpEnvironment> {
  readonly refs: OpenedRefStore;
  readonly executor: Executor;
  /** Devices that steps can be given; undefined: none. */
  readonly devices?: DeviceRegistry | undefined;
  /** For `ADD` of archives. */
  readonly bytes: ArchiveReader;
  readonly sources: readonly Source<C>[];
  /** For mount points and scratch space of running ops. On the machine's own disk; what is found there at start-up is litter. */
  readonly runRoot: string;
  /** Where `RUN --mount=type=cache` directories live, across builds. */
  readonly cacheMountRoot: string;
  /** Told while a cache mount is in use; undefined: nobody ever removes one. */
  readonly cacheMountUse?: DiskUse;
  /** Of a step that has failed, whether that may be for want of room on the engine's disk: what to tell people; undefined: there is room. */
  readonly fullDisk?: () => Promise<string | undefined>;
  /** For ops whose definition names no platform; normalized. */
  readonly platform: Platform;
  /** The clock; new files get its time. */
  readonly now: () => Date;
  /** Log bytes kept per step and per second; undefined: 2 MiB and 200 KiB, -1: no limit. */
  readonly logLimits?: { readonly maxBytes?: number; readonly maxBytesPerSecond?: number };
}
