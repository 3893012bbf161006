/** What Docker files logins of its own registry under. */
export const dockerHubKey = "https://index.docker.io/v1/";

/**
 * What Docker files a login under: the host of what people typed, be it a host or a URL.
 * @param server empty or `docker.io`: Docker Hub
 */
export function loginKey(server: string): string {
  if (server === "" || server === "docker.io" || server === dockerHubKey) return dockerHubKey;
  return server.replace(/^[a-z]+:\/\//i, "").split("/", 1)[0] as string;
}
