/** An address with `xxxxx` in place of the user and the password in it. Users of ssh stay: they are no secret. What is no URL stays as it is. */
export function withoutLogin(address: string): string {
  const url = URL.parse(address);
  if (!url || (url.username === "" && url.password === "")) return address;
  if (url.password === "" && url.protocol === "ssh:") return address;
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, (_, scheme: string) =>
    url.password === "" ? `${scheme}xxxxx@` : `${scheme}xxxxx:xxxxx@`,
  );
}
