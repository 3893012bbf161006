/** Attributes of caches that services ask for to know who asks. */
const secrets: ReadonlySet<string> = new Set([
  "access_key_id",
  "secret_access_key",
  "session_token",
  "token",
  "ghtoken",
]);

/** What a frontend was told, without what opens the places that caches were taken from: records are shown, and handed on. */
export function withoutSecrets(attributes: Readonly<Record<string, string>>): Record<string, string> {
  const { "cache-imports": imports, ...rest } = attributes;
  const shown = imports === undefined ? undefined : importsWithoutSecrets(imports);
  return shown === undefined ? rest : { ...rest, "cache-imports": shown };
}

/** `undefined` when they cannot be read. */
function importsWithoutSecrets(json: string): string | undefined {
  try {
    const entries = JSON.parse(json) as readonly { readonly Attrs?: Readonly<Record<string, string>> }[];
    return JSON.stringify(
      entries.map((entry) => ({
        ...entry,
        Attrs: Object.fromEntries(Object.entries(entry.Attrs ?? {}).filter(([key]) => !secrets.has(key))),
      })),
    );
  } catch {
    return undefined;
  }
}
