import { homedir } from "node:os";

/** Before the name of a proxy's variable: for the lab alone, which fetches from outside. */
export const outsideProxyPrefix = "POLYARCH_LAB_";

/** What tests may know of whoever runs them: where programs, temporary files and the lab's cache are, and what they were asked to do. */
const kept =
  /^(?:HOME|USER|LOGNAME|TMPDIR|TERM|TZ|XDG_CACHE_HOME|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR)|UPDATE_GOLDEN|POLYARCH_(?:LAB|E2E|TEST|GRAPH)_\w+)$/;
const proxy = /^(?:https?|ftp|all|no)_proxy$/i;

/**
 * The environment of tests: the same whoever runs them. Variables of the user's would reach the programs under test: builders, contexts, credentials,
 * proxies, colours, the time of images.
 */
export function testEnvironment(outside: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const own: Record<string, string> = { HOME: homedir(), LC_ALL: "C.UTF-8" };
  for (const [name, value] of Object.entries(outside)) {
    if (value === undefined) continue;
    if (kept.test(name)) own[name] = value;
    if (proxy.test(name)) own[outsideProxyPrefix + name] = value;
  }
  // Where users have no /usr/sbin, as after `su`, that is where half of the programs are.
  own["PATH"] = [
    ...(outside["PATH"] ?? "").split(":").filter(Boolean),
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    "/usr/bin",
    "/bin",
  ].join(":");
  return own;
}
