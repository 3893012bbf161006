import {
  type ContainerEdits,
  type DeviceHook,
  type DeviceMount,
  type DeviceNode,
  hookNames,
} from "./container-edits.ts";
import { Fields } from "./fields.ts";
import { isDeviceName, isKind } from "./names.ts";

/** What a file of the Container Device Interface describes: devices of one kind. */
export interface DeviceSpec {
  /** `vendor.com/class` */
  readonly kind: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly devices: readonly {
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly edits: ContainerEdits;
  }[];
  /** Done once for whichever of the devices a container gets. */
  readonly edits: ContainerEdits;
}

const versions = ["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"];

/**
 * Reads a specification out of what its file holds.
 * @throws {Error} naming the field that is wrong
 * @see https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
 */
export function decodeDeviceSpec(value: unknown): DeviceSpec {
  const fields = new Fields(value, "spec");
  const version = fields.string("cdiVersion") ?? "";
  if (!versions.includes(version.replace(/^v/, ""))) {
    fields.fail("cdiVersion", `invalid version ${JSON.stringify(version)}: want one of ${versions.join(", ")}`);
  }
  const kind = fields.name("kind");
  if (!isKind(kind)) fields.fail("kind", `want vendor/class, got ${JSON.stringify(kind)}`);
  const annotations = fields.table("annotations");
  const names = new Set<string>();
  const devices = fields.each("devices", (device) => {
    const name = device.name("name");
    if (!isDeviceName(name)) device.fail("name", `invalid device name ${JSON.stringify(name)}`);
    if (names.has(name)) device.fail("name", `multiple device ${JSON.stringify(name)}`);
    names.add(name);
    return { name, annotations: device.table("annotations"), edits: editsIn(device) };
  });
  if (devices.length === 0) fields.fail("devices", "no devices");
  const spec = { kind, annotations, devices, edits: editsIn(fields) };
  fields.end();
  return spec;
}

function editsIn(parent: Fields): ContainerEdits {
  const fields = new Fields(parent.object("containerEdits") ?? {}, "containerEdits");
  if (fields.each("netDevices", (device) => [device.string("hostInterfaceName"), device.string("name")]).length > 0) {
    fields.fail("netDevices", "this engine cannot move network devices of the machine into containers");
  }
  const intelRdt = fields.object("intelRdt");
  const edits: ContainerEdits = {
    env: variables(fields),
    deviceNodes: fields.each("deviceNodes", deviceNode),
    mounts: fields.each("mounts", mount),
    hooks: fields.each("hooks", hook),
    additionalGids: fields.counts("additionalGids") ?? [],
    ...(intelRdt && { intelRdt }),
  };
  fields.end();
  return edits;
}

function variables(fields: Fields): readonly string[] {
  const env = fields.strings("env") ?? [];
  const wrong = env.find((variable) => variable.indexOf("=") < 1);
  return wrong === undefined ? env : fields.fail("env", `invalid environment variable ${JSON.stringify(wrong)}`);
}

function deviceNode(fields: Fields): DeviceNode {
  const type = fields.string("type");
  if (type && !/^[bcup]$/.test(type)) fields.fail("type", `invalid type ${JSON.stringify(type)}`);
  const permissions = fields.string("permissions");
  if (permissions && !/^[rwm]+$/.test(permissions)) {
    fields.fail("permissions", `invalid permissions ${JSON.stringify(permissions)}`);
  }
  return present({
    path: path(fields, "path"),
    hostPath: fields.string("hostPath") || undefined,
    type: (type || undefined) as DeviceNode["type"],
    major: fields.count("major"),
    minor: fields.count("minor"),
    fileMode: fields.count("fileMode"),
    permissions: permissions || undefined,
    uid: fields.count("uid"),
    gid: fields.count("gid"),
  });
}

function mount(fields: Fields): DeviceMount {
  return present({
    hostPath: fields.name("hostPath"),
    containerPath: path(fields, "containerPath"),
    type: fields.string("type") || undefined,
    options: fields.strings("options") ?? [],
  });
}

function hook(fields: Fields): DeviceHook {
  const name = fields.string("hookName");
  const hookName = hookNames.find((known) => known === name);
  if (hookName === undefined) return fields.fail("hookName", `invalid hook name ${JSON.stringify(name)}`);
  return present({
    hookName,
    path: fields.name("path"),
    args: fields.strings("args"),
    env: variables(fields),
    timeout: fields.count("timeout"),
  });
}

function path(fields: Fields, key: string): string {
  const text = fields.name(key);
  return text.startsWith("/") ? text : fields.fail(key, `want an absolute path, got ${JSON.stringify(text)}`);
}

/** What has a value. */
function present<T extends object>(value: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
