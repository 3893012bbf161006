/** What builds may be allowed to ask for. */
const served: readonly string[] = ["network.host", "security.insecure", "device"];

/** @returns what is wrong with an entitlement that somebody wants to allow; `undefined` when it is fine */
export function checkEntitlement(name: string): string | undefined {
  return served.includes(name) ? undefined : `invalid entitlement : ${name}`;
}
