import { messageOf } from "../base/errors/mod.ts";
import { log } from "../base/log/mod.ts";
import { type CallObserver, goNameOfCode } from "../rpc/mod.ts";

/**
 * Writes calls to the engine's log: those that fail, builds among them, in buildkitd's words; the others, and streams, which end with errors for all sorts of
 * reasons, for who debugs.
 */
export const callLog: CallObserver = {
  begin: ({ path, isUnary = false }) => {
    const start = performance.now();
    return (outcome, error) => {
      const how = outcome === "ok" ? "OK" : `rpc error: code = ${goNameOfCode(outcome)} desc = ${messageOf(error)}`;
      if (outcome !== "ok" && isUnary) log.error(`${path} returned error: ${how}`);
      else log.debug(`${path} ended after ${((performance.now() - start) / 1000).toFixed(3)}s: ${how}`);
    };
  },
};
