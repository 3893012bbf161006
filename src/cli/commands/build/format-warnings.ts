import type { SolveStatus } from "../../../progress/mod.ts";
import { registryOfFormChange } from "../../../registry/mod.ts";

/**
 * Says once of each registry that it got another form of the image than it was offered: every node of a farm says so of its own part.
 * @param options.silent never says it: who wants no attestations knows of an old registry
 */
export function formChangesOnce({ silent }: { readonly silent: boolean }): (status: SolveStatus) => SolveStatus {
  const said = new Set<string>();
  const isNew = ({ short }: SolveStatus["warnings"][number]) => {
    const registry = registryOfFormChange(Buffer.from(short).toString());
    if (registry === undefined) return true;
    if (silent || said.has(registry)) return false;
    said.add(registry);
    return true;
  };
  return (status) => (status.warnings.length > 0 ? { ...status, warnings: status.warnings.filter(isNew) } : status);
}
