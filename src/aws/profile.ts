import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The settings of a profile, by their names in lower case. */
export type AwsProfile = Readonly<Record<string, string>>;

/**
 * Reads the profile that the variables choose, `default` where they choose none, from both of AWS's files; what the credentials file says counts.
 * @returns the profile's name, and nothing of it when no file tells of it
 */
export async function readProfile(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<{ readonly name: string; readonly profile: AwsProfile | undefined }> {
  const name = env["AWS_PROFILE"] || env["AWS_DEFAULT_PROFILE"] || "default";
  const config = await readSections(env["AWS_CONFIG_FILE"] || join(home, ".aws", "config"));
  const credentials = await readSections(env["AWS_SHARED_CREDENTIALS_FILE"] || join(home, ".aws", "credentials"));
  const general = config.get(`profile ${name}`) ?? (name === "default" ? config.get(name) : undefined);
  const secret = credentials.get(name);
  return { name, profile: general || secret ? { ...general, ...secret } : undefined };
}

/** A file that cannot be read says nothing. */
async function readSections(path: string): Promise<ReadonlyMap<string, AwsProfile>> {
  const text = await readFile(path, "utf8").catch(() => "");
  return parseSections(text);
}

/** Reads `[section]`, `key = value` and comments; lines that are indented belong to a value that is a table, and are passed over. */
export function parseSections(text: string): ReadonlyMap<string, AwsProfile> {
  const sections = new Map<string, Record<string, string>>();
  let current: Record<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    const header = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      const name = header.replaceAll(/\s+/g, " ").replaceAll(/["']/g, "");
      current = sections.get(name) ?? {};
      sections.set(name, current);
      continue;
    }
    const [, key, value] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)(?:\s+[#;].*)?$/.exec(line) ?? [];
    if (current && key !== undefined) current[key.toLowerCase()] = (value ?? "").trim();
  }
  return sections;
}
