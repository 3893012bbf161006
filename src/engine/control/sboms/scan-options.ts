import type { Platform } from "../../../oci/mod.ts";
import type { Attestations, SbomRequest } from "../../attestations/mod.ts";
import type { FrontendResultRef, ImageResolveMode } from "../../frontends/mod.ts";
import type { FrontendBridge } from "../frontend-bridge.ts";
import type { Policies } from "../policies.ts";

/** A result whose contents are to be listed. */
export type ScannedRef = Pick<FrontendResultRef, "id" | "definition" | "scan">;

/** Who lists them, and how. */
export interface ScanOptions {
  /** What has been said of the results already. */
  readonly said: Attestations;
  readonly request: SbomRequest;
  /** What the scanner's image is for. */
  readonly platform: Platform;
  readonly resolveMode: ImageResolveMode;
  /** Nothing is answered from the cache. */
  readonly ignoreCache?: boolean;
  readonly bridge: FrontendBridge;
  readonly policies?: Policies;
  /** `SOURCE_DATE_EPOCH`, by the id of a result, in seconds; `undefined`: there is none. */
  readonly epochOf: (id: string) => number | undefined;
  readonly signal: AbortSignal;
}
