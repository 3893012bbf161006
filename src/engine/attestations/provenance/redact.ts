/** An address with `xxxxx` in place of the user and of the password in it, as BuildKit's provenance has them: the user of ssh, too, is left out. */
export function redacted(address: string): string {
  return address.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)([^/?#]*)@/i, (_, scheme: string, login: string) => {
    const colon = login.indexOf(":");
    const user = colon < 0 ? login : login.slice(0, colon);
    return `${scheme}${user === "" ? "" : "xxxxx"}${colon < 0 ? "" : ":xxxxx"}@`;
  });
}
