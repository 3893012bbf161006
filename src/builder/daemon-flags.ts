import { BuildError } from "../base/errors/mod.ts";

/** What decides which flags a node's engine is started with. */
export interface DaemonFlagsInput {
  /** As typed, one text for all flags. */
  readonly text: string;
  readonly driver: string;
  readonly driverOpts: Readonly<Record<string, string>>;
  /** `insecure-entitlements` of its configuration file. */
  readonly configEntitlements: readonly string[];
}

const entitlementFlag = "--allow-insecure-entitlement";

/**
 * The flags that are stored for a node, `undefined` when there are none. Engines in containers may use the host's network, which there is
 * only the container's, unless somebody has said what they may do.
 * @throws {BuildError} `failed to parse buildkit flags: …`
 */
export function daemonFlags(input: DaemonFlagsInput): readonly string[] | undefined {
  const { text, driver, driverOpts, configEntitlements } = input;
  const flags = text === "" ? [] : splitWords(text);
  const allowed = entitlements(flags);
  const isContainer = driver === "docker-container" || driver === "kubernetes";
  const byNetwork = driver === "docker-container" && driverOpts.network === "host" && !allowed.includes("network.host");
  const byDefault = isContainer && allowed.length === 0 && !configEntitlements.includes("network.host");
  const all = byNetwork || byDefault ? [...flags, `${entitlementFlag}=network.host`] : flags;
  return all.length === 0 ? undefined : all;
}

function entitlements(flags: readonly string[]): readonly string[] {
  return flags.flatMap((flag, at) => {
    if (flag === entitlementFlag) return flags[at + 1] ?? [];
    return flag.startsWith(`${entitlementFlag}=`) ? flag.slice(entitlementFlag.length + 1) : [];
  });
}

/** Splits text as a shell does, without expanding anything: quotes, backslashes, and comments from `#` at a word's beginning. */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: "'" | '"' | undefined;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (quote === "'") {
      if (letter === "'") quote = undefined;
      else word += letter;
    } else if (letter === "\\") {
      if (at + 1 >= text.length) throw invalid("EOF found after escape character");
      word = (word ?? "") + (text[++at] as string);
    } else if (quote === '"') {
      if (letter === '"') quote = undefined;
      else word += letter;
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      word ??= "";
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (letter === "#" && word === undefined) {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else word = (word ?? "") + letter;
  }
  if (quote) throw invalid("EOF found when expecting closing quote");
  return word === undefined ? words : [...words, word];
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", `failed to parse buildkit flags: ${message}`);
}
