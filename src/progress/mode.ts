/** How progress is shown. `quiet` and `none` show nothing; they differ in what the command prints at the end. */
export type ProgressMode = "tty" | "plain" | "rawjson" | "quiet" | "none";

/**
 * The mode to use for what was asked: `auto` takes `BUILDKIT_PROGRESS`, and without it a terminal gets a picture and everything else lines.
 * @throws {Error} `invalid progress mode X`, or when a picture is asked for where there is no terminal
 */
export function chooseMode(
  asked: string,
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly isTty: boolean },
): ProgressMode {
  const wanted = asked === "auto" || asked === "" ? (options.env.BUILDKIT_PROGRESS ?? "auto") : asked;
  switch (wanted) {
    case "auto":
    case "":
      return options.isTty ? "tty" : "plain";
    case "tty":
      if (!options.isTty) throw new Error("failed to get console: provided file is not a console");
      return wanted;
    case "plain":
    case "rawjson":
    case "quiet":
    case "none":
      return wanted;
    default:
      throw new Error(`invalid progress mode ${wanted}`);
  }
}
