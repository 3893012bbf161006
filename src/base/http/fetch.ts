import { BuildError, messageOf } from "../errors/mod.ts";

let isReady = false;

/**
 * Node's `fetch`, over the proxies that the environment names (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, in capitals or not), trusting the authorities that Node
 * trusts.
 * @throws {BuildError} `invalid_argument` for a proxy that is no address; and as `fetch`
 */
export async function fetchFrom(address: string | URL, options: RequestInit): Promise<Response> {
  if (!isReady) {
    // Programs come to their authorities when they load this themselves: see src/main/authorities.ts.
    await import("node:tls");
    const { setGlobalProxyFromEnv } = await import("node:http");
    try {
      setGlobalProxyFromEnv(process.env);
    } catch (cause) {
      throw new BuildError("invalid_argument", `invalid proxy in the environment: ${messageOf(cause)}`, { cause });
    }
    isReady = true;
  }
  return await fetch(address, options);
}
