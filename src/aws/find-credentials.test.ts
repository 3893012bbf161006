import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findAwsCredentials } from "./find-credentials.ts";

const home = await mkdtemp(join(tmpdir(), "aws-"));
after(() => rm(home, { recursive: true }));
await mkdir(join(home, ".aws"));
await writeFile(
  join(home, ".aws", "config"),
  `[default]
region = eu-west-1
s3 =
  aws_access_key_id = not this one

[profile "spoken"] ; of a program
credential_process = printf '{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "s", "SessionToken": "t"}' A

[profile broken]
credential_process = echo sorry >&2; exit 3

[profile hopping]
role_arn = arn:aws:iam::123456789012:role/x
`,
);
await writeFile(
  join(home, ".aws", "credentials"),
  "# mine\n[default]\naws_access_key_id=D\naws_secret_access_key = d/=+ ; no comment\n\n[lent]\nAWS_ACCESS_KEY_ID: L\naws_secret_access_key: l\naws_session_token: t\n",
);
const find = (env: Readonly<Record<string, string>>) =>
  findAwsCredentials({ env: { PATH: process.env["PATH"], ...env }, home });

test("findAwsCredentials() takes variables, else the chosen profile", async () => {
  assert.deepEqual(await find({}), { accessKeyId: "D", secretAccessKey: "d/=+" });
  assert.deepEqual(await find({ AWS_PROFILE: "lent" }), { accessKeyId: "L", secretAccessKey: "l", sessionToken: "t" });
  assert.deepEqual(await find({ AWS_PROFILE: "spoken" }), {
    accessKeyId: "A",
    secretAccessKey: "s",
    sessionToken: "t",
  });
  const env = { AWS_ACCESS_KEY_ID: "E", AWS_SECRET_ACCESS_KEY: "e", AWS_PROFILE: "lent" };
  assert.deepEqual(await find(env), { accessKeyId: "E", secretAccessKey: "e" });
  assert.equal(await find({ AWS_PROFILE: "nobody" }), undefined);
  assert.equal(await find({ AWS_SHARED_CREDENTIALS_FILE: join(home, "none") }), undefined);
});

test("findAwsCredentials() says why a profile does not give any", async () => {
  await assert.rejects(
    find({ AWS_PROFILE: "broken" }),
    /^BuildError: credential_process of the AWS profile "broken" failed: .*sorry/s,
  );
  await assert.rejects(
    find({ AWS_PROFILE: "hopping" }),
    /the AWS profile "hopping" gets its credentials by role_arn: .*aws configure export-credentials/,
  );
});
