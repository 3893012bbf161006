/**
 * Devices of the machine that steps can be given, as the Container Device Interface describes them: files say what there is and what must be
 * done to a container so that it has it; builds are granted some, and everybody may have others.
 */
export {
  type ContainerEdits,
  type DeviceHook,
  type DeviceMount,
  type DeviceNode,
  hookNames,
} from "./container-edits.ts";
export { addDeviceGrant, allowedDevices, type DeviceGrants, noDeviceGrants } from "./device-grants.ts";
export { type Device, DeviceRegistry, type DeviceRequest, type DeviceSettings } from "./device-registry.ts";
