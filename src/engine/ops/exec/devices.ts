import type { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import { allowedDevices, type ContainerEdits, type DeviceRegistry, noDeviceGrants } from "../../devices/mod.ts";
import type { OpEnvironment } from "../environment.ts";

/**
 * What gives a process the devices that its ExecOp asks for; `undefined` when that is none.
 * @param registry `undefined`: this engine gives none
 * @throws {BuildError} `permission_denied` for what the client was not granted, `not_found` for what the machine does not have
 */
export async function planDevices(
  { cdiDevices }: Pick<pb.ExecOp, "cdiDevices">,
  { deviceGrants = noDeviceGrants }: OpEnvironment,
  registry: DeviceRegistry | undefined,
): Promise<ContainerEdits | undefined> {
  const requests = cdiDevices.map(({ name, optional }) => ({ name, optional }));
  if (registry === undefined) {
    const required = requests.filter(({ optional }) => !optional).map(({ name }) => name);
    if (required.length === 0) return undefined;
    const names = required.join(", ");
    throw new BuildError(
      "failed_precondition",
      `cannot give CDI devices to steps: ${names}: CDI is disabled in this engine`,
    );
  }
  if (requests.length === 0) return undefined;
  const devices = await allowedDevices(requests, deviceGrants, registry);
  return devices.length === 0 ? undefined : await registry.edits(devices);
}
