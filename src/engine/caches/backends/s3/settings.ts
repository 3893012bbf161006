import { isIP } from "node:net";
import { type AwsCredentials } from "../../../../aws/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { parseGoDuration } from "../../../../base/text/go-values/mod.ts";
import { booleanAttribute } from "../../../exporters/mod.ts";
import type { CacheAttributes } from "../../backend.ts";

/** Where a cache lies in S3, and how it is reached. */
export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  /** Base of the bucket's URLs, which ends in a slash. */
  readonly base: URL;
  /** As people know it. */
  readonly endpoint: string;
  /** Those that the request names. */
  readonly credentials: AwsCredentials | undefined;
  /** What the names of blobs and of lists begin with. */
  readonly blobPrefix: string;
  readonly listPrefix: string;
  /** Names of the cache: it is written under each, and read from the first. */
  readonly names: readonly [string, ...string[]];
  /** Blobs that were written longer ago are renewed, so that rules that delete what is old do not. */
  readonly touchAfterMs: number;
  readonly uploadsAtOnce: number;
  readonly sendsAcceptEncoding: boolean;
  readonly attempts: number;
  /** Requests wait for each other when there are too many of them. */
  readonly isAdaptive: boolean;
}

/** @throws {BuildError} `invalid_argument` with BuildKit's words */
export function s3Settings(attributes: CacheAttributes, env: Readonly<Record<string, string | undefined>>): S3Settings {
  const bucket = attributes["bucket"] ?? env["AWS_BUCKET"];
  if (!bucket) throw invalid("bucket ($AWS_BUCKET) not set for s3 cache");
  const region = attributes["region"] ?? env["AWS_REGION"];
  if (!region) throw invalid("region ($AWS_REGION) not set for s3 cache");
  const prefix = attributes["prefix"] ?? "";
  const [name = "", ...others] = (attributes["name"] ?? "buildkit").split(";");
  const touchAfterMs = parseGoDuration(attributes["touch_refresh"] ?? "24h");
  if (touchAfterMs === undefined) {
    throw invalid(`touch_refresh must be a duration like 24h, not ${JSON.stringify(attributes["touch_refresh"])}`);
  }
  const mode = attributes["retry_mode"] ?? "standard";
  if (mode !== "standard" && mode !== "adaptive") throw invalid('retry_mode must be "standard" or "adaptive"');
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = attributes;
  return {
    bucket,
    region,
    ...placeOf({ bucket, region, ...attributes }, booleanAttribute(attributes, "use_path_style", false)),
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken } : undefined,
    blobPrefix: prefix + (attributes["blobs_prefix"] ?? "blobs/"),
    listPrefix: prefix + (attributes["manifests_prefix"] ?? "manifests/"),
    names: [name, ...others],
    touchAfterMs,
    uploadsAtOnce: positiveInteger(attributes, "upload_parallelism", 4),
    sendsAcceptEncoding: !booleanAttribute(attributes, "disable_accept_encoding", false),
    attempts: positiveInteger(attributes, "retry_max_attempts", 3),
    isAdaptive: mode === "adaptive",
  };
}

/** A bucket is the first label of its host's name, where that can be. */
function placeOf(
  attributes: CacheAttributes & { readonly bucket: string; readonly region: string },
  wantsPathStyle: boolean,
): { readonly base: URL; readonly endpoint: string } {
  const { bucket, region, endpoint_url: given } = attributes;
  const text = given || `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw invalid(`endpoint_url must be an http or https URL, not ${JSON.stringify(text)}`);
  }
  const endpoint = new URL(text);
  const path = endpoint.pathname.replace(/\/*$/, "/");
  const isHostName = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket);
  const base = new URL(endpoint.origin);
  if (wantsPathStyle || !isHostName || isIP(endpoint.hostname.replaceAll(/[[\]]/g, "")) !== 0) {
    base.pathname = `${path}${encodeURIComponent(bucket)}/`;
  } else {
    base.hostname = `${bucket}.${endpoint.hostname}`;
    base.pathname = path;
  }
  return { base, endpoint: endpoint.host };
}

function positiveInteger(attributes: CacheAttributes, key: string, fallback: number): number {
  const text = attributes[key];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\+?\d+$/.test(text) && value > 0 && Number.isSafeInteger(value)) return value;
  throw invalid(`${key} must be a positive integer`);
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
