import assert from "node:assert/strict";
import { test } from "node:test";
import { awsSignature } from "./signature.ts";

/** Of the examples in the reference of S3's API, "Authenticating Requests: Using the Authorization Header". */
const credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const how = { region: "us-east-1", now: new Date("2013-05-24T00:00:00Z") };
const signed = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) => {
  const url = new URL(`https://examplebucket.s3.amazonaws.com${path}`);
  const bytes = body === undefined ? undefined : new TextEncoder().encode(body);
  return awsSignature({ method, url, headers, body: bytes }, credentials, how)["authorization"]?.split("Signature=")[1];
};

test("awsSignature() signs S3's examples as S3 does", () => {
  assert.equal(
    signed("GET", "/test.txt", { range: "bytes=0-9" }),
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  );
  const headers = { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" };
  assert.equal(
    signed("PUT", "/test%24file.text", headers, "Welcome to Amazon S3."),
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  );
  assert.equal(signed("GET", "/?lifecycle", {}), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  assert.equal(
    signed("GET", "/?max-keys=2&prefix=J", {}),
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  );
});

test("awsSignature() signs the token of credentials that are lent", () => {
  const url = new URL("https://examplebucket.s3.amazonaws.com/a");
  const lent = { ...credentials, sessionToken: "lent" };
  const headers = awsSignature({ method: "GET", url, headers: {}, body: undefined }, lent, how);
  assert.equal(headers["x-amz-security-token"], "lent");
  assert.match(
    headers["authorization"] ?? "",
    /SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,/,
  );
});
