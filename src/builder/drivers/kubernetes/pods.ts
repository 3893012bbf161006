import { createHash, randomInt } from "node:crypto";

/** A pod as the API server tells of it. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly containerStatuses?: readonly {
      readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
    }[];
  };
}

/** Whether an engine in it can be spoken to. */
export function isUsable({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined || status?.phase !== "Running") return false;
  const ready = status.conditions?.find(({ type }) => type === "Ready");
  return ready === undefined || ready.status === "True";
}

/**
 * Chooses one of the usable pods.
 * @param key the same key gets the same pod for as long as that is there; without one it is left to chance
 */
export function choosePod(pods: readonly Pod[], key: string | undefined): Pod | undefined {
  const usable = pods.filter(isUsable);
  if (key === undefined) return usable[usable.length === 0 ? 0 : randomInt(usable.length)];
  const weight = ({ metadata }: Pod) => createHash("sha256").update(`${key}\0${metadata.name}`).digest("hex");
  // Whoever weighs most: when pods come and go, only their own keys move.
  return usable.toSorted((a, b) => (weight(a) < weight(b) ? 1 : -1))[0];
}

/** Why pods are not ready, as far as they tell. */
export function whyNotReady(pods: readonly Pod[]): string {
  const reasons = pods
    .filter((pod) => !isUsable(pod))
    .flatMap(({ metadata, status }) => {
      const waiting = status?.containerStatuses?.map(({ state }) => state?.waiting).find((found) => found?.reason);
      const condition = status?.conditions?.find((found) => found.status === "False" && found.message);
      const why = waiting ? [waiting.reason, waiting.message].filter(Boolean).join(": ") : condition?.message;
      return why ? [`pod ${metadata.name}: ${why}`] : [];
    });
  return reasons.length === 0 ? "" : `: ${[...new Set(reasons)].join("; ")}`;
}
