import { readFile } from "node:fs/promises";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { parseGoBool } from "../../../base/text/go-values/mod.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the engine looks for it, below its configuration directory. */
export const githubContextFile = "provenance.d/github_actions_context.json";

/** What GitHub Actions says of a run, by variable. Of a group either all is told or nothing. */
const groups: readonly (readonly string[])[] = [
  ["GITHUB_ACTOR", "GITHUB_ACTOR_ID", "GITHUB_TRIGGERING_ACTOR"],
  ["GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_REF_PROTECTED", "GITHUB_REF_TYPE"],
  ["GITHUB_REPOSITORY", "GITHUB_REPOSITORY_ID", "GITHUB_REPOSITORY_OWNER", "GITHUB_REPOSITORY_OWNER_ID"],
  [
    "GITHUB_JOB",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_NUMBER",
    "GITHUB_SERVER_URL",
    "GITHUB_WORKFLOW",
    "GITHUB_WORKFLOW_REF",
    "GITHUB_WORKFLOW_SHA",
  ],
  ["ImageOS", "ImageVersion", "RUNNER_OS", "RUNNER_ARCH", "RUNNER_ENVIRONMENT", "RUNNER_TRACKING_ID", "RUNNER_NAME"],
];

/**
 * What GitHub Actions says of the run that makes a builder, as the JSON that ends up in the provenance of what is built there.
 * @returns `undefined` elsewhere
 * @throws {BuildError} when the event that it names cannot be read
 */
export async function githubContext(env: Environment): Promise<Uint8Array | undefined> {
  const { GITHUB_EVENT_NAME: event, GITHUB_EVENT_PATH: path } = env;
  if (parseGoBool(env.GITHUB_ACTIONS ?? "") !== true || !event || !path) return undefined;
  let payload: unknown;
  try {
    payload = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new BuildError("invalid_argument", `failed to read GITHUB_EVENT_PATH "${path}": ${messageOf(cause)}`, {
      cause,
    });
  }
  const told = groups.filter((names) => names.every((name) => env[name])).flat();
  const values = Object.fromEntries(told.map((name) => [keyOf(name), env[name]]));
  return Buffer.from(JSON.stringify({ github_event_name: event, github_event_payload: payload, ...values }));
}

/** `RUNNER_OS` is told as `github_runner_os`, `ImageOS` as `github_runner_image_os`. */
function keyOf(variable: string): string {
  const name = variable.replace(/^Image(.*)$/, "RUNNER_IMAGE_$1").toLowerCase();
  return name.startsWith("github_") ? name : `github_${name}`;
}
