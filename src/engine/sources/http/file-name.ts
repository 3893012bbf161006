/** What a fetched file is called: as the server says, as the address ends, or `download`. Never a path. */
export function fileNameOf(address: URL, disposition = ""): string {
  const given = /filename="?([^";]+)"?/i.exec(disposition)?.[1]?.split("/").at(-1);
  const last = address.pathname.split("/").findLast((part) => part !== "") ?? "";
  for (const name of [given, safeDecode(last)]) {
    if (name !== undefined && name !== "" && name !== "." && name !== ".." && !name.includes("/")) return name;
  }
  return "download";
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
