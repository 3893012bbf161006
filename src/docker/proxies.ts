/** Proxies for containers of one engine, from `config.json`. */
export interface ProxyConfig {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly ftpProxy?: string;
  readonly noProxy?: string;
  readonly allProxy?: string;
}

/**
 * Environment variables that `proxies` asks for, upper and lower case, as `docker build` passes them as build arguments.
 * @param endpoint address of the engine, for instance `unix:///var/run/docker.sock`; `default` is used when it has no entry of its own
 */
export function proxyVariables(
  proxies: Readonly<Record<string, ProxyConfig>>,
  endpoint?: string,
): Readonly<Record<string, string>> {
  const own = endpoint !== undefined && Object.hasOwn(proxies, endpoint) ? proxies[endpoint] : undefined;
  const config = own ?? (Object.hasOwn(proxies, "default") ? proxies.default : undefined) ?? {};
  const values = {
    HTTP_PROXY: config.httpProxy,
    HTTPS_PROXY: config.httpsProxy,
    FTP_PROXY: config.ftpProxy,
    NO_PROXY: config.noProxy,
    ALL_PROXY: config.allProxy,
  };
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (!value) continue;
    variables[name] = value;
    variables[name.toLowerCase()] = value;
  }
  return variables;
}
