/** What is coloured: steps that ran, were cancelled, failed, and remarks. */
export type ColorRole = "run" | "cancel" | "error" | "warning";

/** The escape codes of each role; all empty where colours are not wanted. */
export interface Palette {
  readonly roles: Readonly<Record<ColorRole, string>>;
  readonly faint: string;
  readonly reset: string;
}

const names: Readonly<Record<string, string>> = Object.fromEntries(
  ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"].flatMap((name, at) => [
    [name, `\x1b[${30 + at}m`],
    [`light-${name}`, `\x1b[${90 + at}m`],
  ]),
);

/**
 * The colours to use: `NO_COLOR` turns them off, `BUILDKIT_COLORS` changes them (`run=green:error=255,0,0`). What it names wrongly is left
 * at its default and reported.
 */
export function paletteFromEnv(env: Readonly<Record<string, string | undefined>>): {
  palette: Palette;
  warnings: string[];
} {
  const warnings: string[] = [];
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return { palette: plainPalette, warnings };
  const roles = { run: code("blue"), cancel: code("yellow"), error: code("red"), warning: code("yellow") };
  for (const field of (env.BUILDKIT_COLORS ?? "").split(":").filter((part) => part !== "")) {
    const [role = "", value = ""] = field.split("=", 2);
    const found = colorCode(value);
    if (!isRole(role))
      warnings.push(`BUILDKIT_COLORS: unknown role ${JSON.stringify(role)}, expected run, cancel, error or warning`);
    else if (found === undefined) warnings.push(`BUILDKIT_COLORS: unknown color ${JSON.stringify(value)} for ${role}`);
    else roles[role] = found;
  }
  return { palette: { roles, faint: "\x1b[2m", reset: "\x1b[0m" }, warnings };
}

/** No colours. */
export const plainPalette: Palette = { roles: { run: "", cancel: "", error: "", warning: "" }, faint: "", reset: "" };

/** `text` in a colour of the palette. */
export function paint(palette: Palette, sequence: string, text: string): string {
  return sequence === "" ? text : `${sequence}${text}${palette.reset}`;
}

function isRole(text: string): text is ColorRole {
  return text === "run" || text === "cancel" || text === "error" || text === "warning";
}

function code(name: string): string {
  return names[name] as string;
}

function colorCode(value: string): string | undefined {
  const name = value.toLowerCase();
  if (name === "default") return "\x1b[39m";
  if (Object.hasOwn(names, name)) return names[name];
  const rgb = /^(\d{1,3}),(\d{1,3}),(\d{1,3})$/.exec(value)?.slice(1).map(Number);
  return rgb?.every((part) => part <= 255) ? `\x1b[38;2;${rgb.join(";")}m` : undefined;
}
