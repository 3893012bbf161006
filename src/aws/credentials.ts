/** Who signs requests. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of credentials that are lent for a time. */
  readonly sessionToken?: string | undefined;
}

/** The credentials in variables: `AWS_ACCESS_KEY_ID` and the like, and the older names of the same. */
export function environmentCredentials(env: Readonly<Record<string, string | undefined>>): AwsCredentials | undefined {
  return credentialsOf({
    accessKeyId: env["AWS_ACCESS_KEY_ID"] || env["AWS_ACCESS_KEY"],
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] || env["AWS_SECRET_KEY"],
    sessionToken: env["AWS_SESSION_TOKEN"],
  });
}

/** Credentials, where both of their halves are there. */
export function credentialsOf(parts: {
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
}): AwsCredentials | undefined {
  const { accessKeyId, secretAccessKey, sessionToken } = parts;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
