import { type Command, globalFlags } from "../command.ts";
import { type Flag, type FlagTable, valueWord } from "../flags/flag.ts";

/** The help text of a command, in the layout of docker buildx. */
export function renderHelp(command: Command, path: readonly string[]): string {
  const name = path.join(" ");
  const isRoot = path.length === 1;
  const own: FlagTable = { ...(isRoot ? globalFlags : {}), ...command.flags, help: helpFlag(command.name) };
  const sections = [
    `${command.summary}\n`,
    `Usage:\n${usageLines(command, name)}`,
    command.aliases ? `Aliases:\n  ${[command.name, ...command.aliases].join(", ")}\n` : "",
    command.commands ? `Available Commands:\n${commandLines(command.commands)}` : "",
    `Flags:\n${renderFlags(own)}`,
    isRoot ? "" : `Global Flags:\n${renderFlags(globalFlags)}`,
    notYet(command.flags),
    command.commands ? `Use "${name} [command] --help" for more information about a command.\n` : "",
  ];
  return sections.filter((section) => section !== "").join("\n");
}

/** The usage line that stands in errors. */
export function usageLine(command: Command, path: readonly string[]): string {
  return [path.join(" "), command.usage ?? ""].join(" ").trimEnd();
}

/** The flag that every command has without saying so. */
export function helpFlag(name: string): Flag {
  return { kind: "bool", short: "h", usage: `help for ${name}` };
}

function usageLines(command: Command, name: string): string {
  if (!command.commands) return `  ${[name, command.usage ?? ""].join(" ").trimEnd()}\n`;
  return `  ${name}\n  ${name} [command]\n`;
}

function commandLines(commands: readonly Command[]): string {
  const shown = commands.filter((command) => !command.hidden).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const width = Math.max(11, ...shown.map((command) => command.name.length + 1));
  return shown.map((command) => `  ${command.name.padEnd(width)} ${command.summary}\n`).join("");
}

/** One line for each visible flag, in columns, sorted by name. */
export function renderFlags(table: FlagTable): string {
  const rows = Object.entries(table)
    .filter(([, flag]) => !flag.hidden && !flag.notYet)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => {
      const head = `${flag.short ? `-${flag.short}, ` : "    "}--${name} ${valueWord(flag)}`.trimEnd();
      return { head, text: flag.usage + defaultText(flag) };
    });
  const width = Math.max(...rows.map(({ head }) => head.length));
  return rows.map(({ head, text }) => `  ${head.padEnd(width)}   ${text}\n`).join("");
}

function defaultText(flag: Flag): string {
  if (flag.default === undefined) return "";
  return ` (default ${flag.kind === "string" ? JSON.stringify(flag.default) : flag.default})`;
}

/** docker buildx's flags that are still missing are named, so that nobody looks for them in vain. */
function notYet(flags: FlagTable): string {
  const names = Object.entries(flags).flatMap(([name, flag]) => (flag.notYet && !flag.hidden ? [`--${name}`] : []));
  if (names.length === 0) return "";
  const lines: string[] = [];
  for (const name of names.toSorted()) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length < 76) lines[lines.length - 1] = `${last}, ${name}`;
    else lines.push(`  ${name}`);
  }
  return `Not supported yet:\n${lines.join(",\n")}\n`;
}
