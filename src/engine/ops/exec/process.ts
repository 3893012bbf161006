import { pb } from "../../../api/mod.ts";
import { BuildError } from "../../../base/errors/mod.ts";
import type { Platform } from "../../../oci/mod.ts";
import type { ProcessSpec } from "../../executor/mod.ts";
import type { OpEnvironment } from "../environment.ts";

/** What an ExecOp says of its process, except for where its files are. */
export type ProcessPlan = Omit<ProcessSpec, "id" | "rootfs" | "mounts" | "readonlyRootfs" | "deviceEdits">;

/**
 * Reads the process out of an ExecOp, except for its devices.
 * @throws {BuildError} `permission_denied` for what the client was not granted
 */
export function planProcess(op: pb.ExecOp, platform: Platform, environment: OpEnvironment): ProcessPlan {
  const { meta } = op;
  if (!meta) throw new BuildError("invalid_argument", "invalid exec op with no meta");
  const extraHosts = meta.extraHosts.map(({ Host, IP }) => ({ host: Host, ip: IP }));
  const ulimits = meta.ulimit.map(({ Name, Soft, Hard }) => ({ name: Name, soft: Number(Soft), hard: Number(Hard) }));
  return {
    args: meta.args,
    env: [...meta.env, ...proxyEnvironment(meta.proxyEnv)],
    cwd: meta.cwd || "/",
    user: meta.user,
    platform,
    network: networkOf(op, environment),
    security: securityOf(op, environment),
    ...(meta.hostname && { hostname: meta.hostname }),
    ...(extraHosts.length > 0 && { extraHosts }),
    ...(ulimits.length > 0 && { ulimits }),
    ...(!meta.removeMountStubsRecursive && { keepsMountParents: true }),
    ...(meta.cgroupParent && { cgroupParent: meta.cgroupParent }),
  };
}

function networkOf({ network }: pb.ExecOp, environment: OpEnvironment): ProcessSpec["network"] {
  if (network === pb.NetMode.NONE) return "none";
  if (network !== pb.NetMode.HOST) return "sandbox";
  requireEntitlement("network.host", environment);
  return "host";
}

function securityOf({ security }: pb.ExecOp, environment: OpEnvironment): ProcessSpec["security"] {
  if (security !== pb.SecurityMode.INSECURE) return "sandbox";
  requireEntitlement("security.insecure", environment);
  return "insecure";
}

function requireEntitlement(name: string, { entitlements }: OpEnvironment): void {
  if (!entitlements?.has(name)) {
    throw new BuildError(
      "permission_denied",
      `${name} is not allowed: it was not granted to this build (--allow ${name})`,
    );
  }
}

/** Programs disagree about the case of these names, so both are set. */
function proxyEnvironment(proxy: pb.ProxyEnv | undefined): readonly string[] {
  if (!proxy) return [];
  const values: Readonly<Record<string, string>> = {
    HTTP_PROXY: proxy.httpProxy,
    HTTPS_PROXY: proxy.httpsProxy,
    FTP_PROXY: proxy.ftpProxy,
    NO_PROXY: proxy.noProxy,
    ALL_PROXY: proxy.allProxy,
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === "" ? [] : [`${name}=${value}`, `${name.toLowerCase()}=${value}`],
  );
}
