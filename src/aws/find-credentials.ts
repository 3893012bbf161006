import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BuildError, messageOf } from "../base/errors/mod.ts";
import { type AwsCredentials, credentialsOf, environmentCredentials } from "./credentials.ts";
import { readProfile } from "./profile.ts";

/** How long a program may take that a profile names for its credentials: it may ask somebody. */
const processTimeoutMs = 60_000;

/**
 * The credentials that this machine's user has: those of the variables, else those of the profile that the variables choose.
 * @returns `undefined` when there are none
 * @throws {BuildError} for a profile that gets them in a way that only AWS's own tools know
 */
export async function findAwsCredentials({
  env,
  home,
}: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}): Promise<AwsCredentials | undefined> {
  const known = environmentCredentials(env);
  if (known) return known;
  const { name, profile = {} } = await readProfile(env, home);
  const written = credentialsOf({
    accessKeyId: profile["aws_access_key_id"],
    secretAccessKey: profile["aws_secret_access_key"],
    sessionToken: profile["aws_session_token"],
  });
  if (written) return written;
  if (profile["credential_process"]) return await fromProcess(profile["credential_process"], name, env);
  const other = ["role_arn", "sso_session", "sso_start_url"].find((key) => profile[key]);
  if (other === undefined) return undefined;
  throw new BuildError(
    "unimplemented",
    `the AWS profile "${name}" gets its credentials by ${other}: put them into variables first, for instance with ` +
      `\`eval "$(aws configure export-credentials --profile ${name} --format env)"\``,
  );
}

/** Has a program tell the credentials, as JSON. */
async function fromProcess(
  command: string,
  profile: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<AwsCredentials | undefined> {
  try {
    const options = { env: env as NodeJS.ProcessEnv, timeout: processTimeoutMs };
    const { stdout } = await promisify(execFile)("sh", ["-c", command], options);
    const json = JSON.parse(stdout) as Readonly<Record<string, string | undefined>>;
    return credentialsOf({
      accessKeyId: json["AccessKeyId"],
      secretAccessKey: json["SecretAccessKey"],
      sessionToken: json["SessionToken"],
    });
  } catch (cause) {
    const message = `credential_process of the AWS profile "${profile}" failed: ${messageOf(cause)}`;
    throw new BuildError("unauthenticated", message, { cause });
  }
}
