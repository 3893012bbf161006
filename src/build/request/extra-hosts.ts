import { isIP } from "node:net";
import { BuildError } from "../../base/errors/mod.ts";
import { formatCsvFields, parseCsvFields } from "../../base/text/csv/mod.ts";

/** Stands for the address of the engine's machine, as steps see it. */
const hostGateway = "host-gateway";
/** A Docker Engine says by this label of its worker what that address is. */
const hostGatewayLabel = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";

/**
 * `host:ip` or `host=ip` as the frontend wants it: `host=ip`, the address without brackets. `host-gateway` stays: only an engine knows what that is.
 * @throws {BuildError} `invalid host X`
 */
export function extraHost(text: string): string {
  const at = text.search(/[=:]/);
  const host = text.slice(0, Math.max(0, at));
  const ip = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  if (at <= 0 || ip === "") throw invalid(`invalid host ${text}`);
  if (ip !== hostGateway && isIP(ip) === 0) throw invalid(`invalid host ${text}`);
  return `${host}=${ip}`;
}

/**
 * The frontend's hosts with the address of an engine's machine where `host-gateway` stands.
 * @param hosts the attribute `add-hosts`
 * @param labels of the engine's first worker, asked for when they are needed
 * @throws {BuildError} `unable to derive the IP value for host-gateway: …`
 */
export async function withHostGateway(
  hosts: string,
  { driver, labels }: { readonly driver: string; readonly labels: () => Promise<Readonly<Record<string, string>>> },
): Promise<string> {
  const fields = parseCsvFields(hosts);
  const ending = `=${hostGateway}`;
  if (!fields.some((field) => field.endsWith(ending))) return hosts;
  const unknown = (why: string) => invalid(`unable to derive the IP value for host-gateway: ${why}`);
  if (driver !== "docker") throw unknown(`host-gateway is not supported by the ${driver} driver`);
  const ip = (await labels())[hostGatewayLabel] ?? "";
  if (isIP(ip) === 0) throw unknown("host-gateway IP not found");
  return formatCsvFields(
    fields.map((field) => (field.endsWith(ending) ? `${field.slice(0, -hostGateway.length)}${ip}` : field)),
  );
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
