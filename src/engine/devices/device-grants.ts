import { BuildError } from "../../base/errors/mod.ts";
import { parseCsvFields } from "../../base/text/csv/mod.ts";
import type { Device, DeviceRegistry, DeviceRequest } from "./device-registry.ts";

/** Which devices a build was granted. */
export interface DeviceGrants {
  /** Every one. */
  readonly all: boolean;
  /** By what steps call them: the device that is meant, which is another one where the grant has an alias. */
  readonly devices: ReadonlyMap<string, string>;
}

/** A build that asked for none. */
export const noDeviceGrants: DeviceGrants = { all: false, devices: new Map() };

/**
 * Adds a grant, as stands after `device=`: `NAME[,alias=NAME]`; empty grants all.
 * @throws {BuildError} `invalid_argument` with BuildKit's words
 */
export function addDeviceGrant(grants: DeviceGrants, text: string): DeviceGrants {
  if (text === "") return { ...grants, all: true };
  const [device = "", ...rest] = fieldsOf(text);
  let alias = "";
  for (const field of rest) {
    const at = field.indexOf("=");
    if (at < 0) throw new BuildError("invalid_argument", `invalid device config ${JSON.stringify(field)}`);
    const key = field.slice(0, at);
    if (key !== "alias") {
      throw new BuildError("invalid_argument", `unknown device config key ${JSON.stringify(key)}`);
    }
    alias = field.slice(at + 1);
  }
  return { ...grants, devices: new Map([...grants.devices, [alias || device, device]]) };
}

/**
 * The devices that a step gets: those that it asks for, if the build was granted them or everybody may have them.
 * @throws {BuildError} `permission_denied` for the others; `not_found` as {@link DeviceRegistry.find}
 */
export async function allowedDevices(
  requests: readonly DeviceRequest[],
  grants: DeviceGrants,
  registry: DeviceRegistry,
): Promise<readonly Device[]> {
  if (grants.all) return await registry.find(requests);
  const aliased = requests.flatMap(({ name, optional }) => {
    const meant = grants.devices.get(name);
    return meant === undefined || meant === name ? [] : [{ name: meant, optional }];
  });
  const plain = requests.filter(({ name }) => (grants.devices.get(name) ?? name) === name);
  const wanted = await registry.find(plain);
  const granted = await registry.find([...grants.devices.keys()].map((name) => ({ name, optional: true })));
  const isGranted = new Set(granted.map(({ name }) => name));
  const forbidden = wanted
    .filter(({ name, autoAllowed }) => !autoAllowed && !isGranted.has(name))
    .map(({ name }) => name);
  if (forbidden.length > 0) {
    const [devices, are] = forbidden.length === 1 ? ["device", "is"] : ["devices", "are"];
    throw new BuildError(
      "permission_denied",
      `${devices} ${forbidden.join(", ")} ${are} requested by the build but not allowed`,
    );
  }
  return [...new Set([...(await registry.find(aliased)), ...wanted])];
}

function fieldsOf(text: string): readonly string[] {
  try {
    return parseCsvFields(text);
  } catch (cause) {
    throw new BuildError("invalid_argument", (cause as Error).message, { cause });
  }
}
