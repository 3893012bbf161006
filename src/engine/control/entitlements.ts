import { BuildError } from "../../base/errors/mod.ts";
import { addDeviceGrant, type DeviceGrants, noDeviceGrants } from "../devices/mod.ts";

/** What a build may do that not every build may. */
export interface Grants {
  /** `network.host`, `security.insecure`, `device`. */
  readonly entitlements: ReadonlySet<string>;
  /** Which devices. */
  readonly deviceGrants: DeviceGrants;
}

/**
 * Grants a build what it asks for: entitlements by name, devices as `device`, `device=NAME` or `device=NAME,alias=NAME`.
 * @param allowed entitlements that the engine's configuration lets builds ask for
 * @throws {BuildError} `invalid_argument`, `permission_denied` with BuildKit's words
 */
export function grantEntitlements(wanted: readonly string[], allowed: ReadonlySet<string>): Grants {
  const entitlements = new Set<string>();
  let deviceGrants = noDeviceGrants;
  for (const text of wanted) {
    const isDevice = text === "device" || text.startsWith("device=");
    const name = isDevice ? "device" : text;
    if (isDevice) deviceGrants = addDeviceGrant(deviceGrants, text.slice("device=".length));
    else if (name !== "network.host" && name !== "security.insecure") {
      throw new BuildError("invalid_argument", `unknown entitlement ${name}`);
    }
    if (!allowed.has(name)) {
      throw new BuildError(
        "permission_denied",
        `granting entitlement ${name} is not allowed by build daemon configuration`,
      );
    }
    entitlements.add(name);
  }
  return { entitlements, deviceGrants };
}
