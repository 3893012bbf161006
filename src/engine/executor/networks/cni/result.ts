/** A device inside of a namespace, as a plugin's result tells of it. */
export interface ResultInterface {
  readonly name: string;
  /** `10.1.2.3/24` */
  readonly addresses: readonly string[];
}

/**
 * The devices inside of the namespace that the result of an ADD tells of.
 * @param fallback name of the one device that results before version 0.3.0 are about
 */
export function interfacesIn(result: unknown, fallback: string): readonly ResultInterface[] {
  const { interfaces, ips, ip4, ip6 } = object(result);
  const listed = list(interfaces).map(object);
  const addresses = list(ips).map(object);
  const old = [object(ip4)["ip"], object(ip6)["ip"]];
  const known = listed.length > 0 ? listed : [{ name: fallback, sandbox: "-" }];
  return known.flatMap(({ name, sandbox }, index) => {
    if (typeof name !== "string" || name === "lo" || typeof sandbox !== "string" || sandbox === "") return [];
    const own = addresses.filter((ip) => listed.length === 0 || ip["interface"] === index).map((ip) => ip["address"]);
    return [{ name, addresses: [...own, ...old].filter((ip) => typeof ip === "string") }];
  });
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const object = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
