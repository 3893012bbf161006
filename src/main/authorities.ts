/**
 * What `bin/polyarch` starts Node with. As soon as `node:tls` is loaded, which `node:http2` does, Node reads the certificates of all authorities that it
 * knows, in a thread, though most commands never see one; told to go by OpenSSL's instead, it reads none.
 */
const withoutAuthorities = "--use-openssl-ca";

const needing: ReadonlySet<string> = new Set(["node:tls", "tls", "node:https", "https"]);

/**
 * Before the program itself gets a module that verifies servers: the authorities that Node would trust had it been started as usual, which are its own and those of
 * `NODE_EXTRA_CA_CERTS`. Once is enough.
 * @returns whether it is done, or was never needed
 */
export function trustAuthorities(module: string): boolean {
  if (!process.execArgv.includes(withoutAuthorities)) return true;
  if (!needing.has(module)) return false;
  const { getCACertificates, setDefaultCACertificates } = process.getBuiltinModule("node:tls");
  setDefaultCACertificates([...getCACertificates("bundled"), ...getCACertificates("extra")]);
  return true;
}
