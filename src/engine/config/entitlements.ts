/** What builds may be allowed to ask for. */
const served: readonly string[] = ["network.host", "security.insecure"];

/** @returns what is wrong with an entitlement that somebody wants to allow; `undefined` when it is fine */
export function checkEntitlement(name: string): string | undefined {
  if (served.includes(name)) return undefined;
  return name === "device"
    ? "entitlement device is not supported: this engine gives no devices to steps"
    : `invalid entitlement : ${name}`;
}
