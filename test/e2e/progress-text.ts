/** One step of a build, as `--progress=plain` told it. */
export interface Step {
  readonly number: number;
  readonly name: string;
  readonly cached: boolean;
  readonly done: boolean;
  readonly error: string | undefined;
  /** What the step's process printed. */
  readonly log: readonly string[];
}

/** The steps of a build from its plain progress, in order of their numbers. */
export function readSteps(text: string): readonly Step[] {
  const steps = new Map<number, { -readonly [K in keyof Step]: Step[K] } & { log: string[] }>();
  for (const line of text.split("\n")) {
    const match = /^#(\d+) (.*)$/.exec(line);
    if (match === null) continue;
    const number = Number(match[1]);
    const rest = match[2] ?? "";
    const step = steps.get(number);
    if (step === undefined) {
      steps.set(number, { number, name: rest, cached: false, done: false, error: undefined, log: [] });
    } else if (rest === "CACHED") step.cached = true;
    else if (/^DONE \d+\.\d+s$/.test(rest)) step.done = true;
    else if (rest.startsWith("ERROR: ")) step.error = rest.slice("ERROR: ".length);
    else if (/^\d+\.\d+ /.test(rest)) step.log.push(rest.replace(/^\d+\.\d+ /, ""));
  }
  return [...steps.values()].toSorted((a, b) => a.number - b.number);
}

/** The steps that Dockerfile instructions became: `[stage 2/3] RUN …`. */
export function instructionSteps(text: string): readonly Step[] {
  return readSteps(text).filter(({ name }) => /^\[.*\d+\/\d+\] /.test(name));
}

/** The one step whose name has `part` in it. */
export function stepNamed(text: string, part: string): Step {
  const found = readSteps(text).filter(({ name }) => name.includes(part));
  const [step] = found;
  if (step === undefined || found.length > 1) {
    throw new Error(`${found.length} steps are called like ${JSON.stringify(part)} in:\n${text}`);
  }
  return step;
}
