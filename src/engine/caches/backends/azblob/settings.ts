import { posix } from "node:path";
import { BuildError } from "../../../../base/errors/mod.ts";
import type { CacheAttributes } from "../../backend.ts";

/** Where a cache lies in Azure's storage, and how it is reached. */
export interface AzblobSettings {
  /** The container's URL. A query that it has lets in whoever has it. */
  readonly containerUrl: URL;
  readonly container: string;
  readonly account: string;
  /** The account's key, where the request names it. */
  readonly key: Buffer | undefined;
  /** What the names of blobs and of lists begin with, without the slash that follows. */
  readonly blobPrefix: string;
  readonly listPrefix: string;
  /** Names of the cache: it is written under each, and read from all. */
  readonly names: readonly string[];
}

/** @throws {BuildError} `invalid_argument` with BuildKit's words */
export function azblobSettings(
  attributes: CacheAttributes,
  env: Readonly<Record<string, string | undefined>>,
): AzblobSettings {
  const address = attributes["account_url"] ?? env["BUILDKIT_AZURE_STORAGE_ACCOUNT_URL"];
  if (!address) {
    throw invalid("either ${BUILDKIT_AZURE_STORAGE_ACCOUNT_URL} or account_url attribute is required for azblob cache");
  }
  if (!URL.canParse(address) || !/^https?:/.test(address)) {
    throw invalid(`azure storage account url provided is not a valid url: ${JSON.stringify(address)}`);
  }
  const url = new URL(address);
  const account =
    attributes["account_name"] ?? env["BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME"] ?? url.hostname.split(".")[0];
  if (!account) {
    throw invalid(
      "unable to retrieve account name from account url or ${BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME} or account_name attribute for azblob cache",
    );
  }
  const container = attributes["container"] ?? env["BUILDKIT_AZURE_STORAGE_CONTAINER"] ?? "buildkit-cache";
  const prefix = attributes["prefix"] ?? env["BUILDKIT_AZURE_STORAGE_PREFIX"] ?? "";
  url.pathname = `${url.pathname.replace(/\/*$/, "")}/${encodeURIComponent(container)}`;
  return {
    containerUrl: url,
    container,
    account,
    key: keyOf(attributes["secret_access_key"]),
    blobPrefix: posix.join(prefix, attributes["blobs_prefix"] ?? "blobs"),
    listPrefix: posix.join(prefix, attributes["manifests_prefix"] ?? "manifests"),
    names: (attributes["name"] ?? "buildkit").split(";"),
  };
}

/** Where something of that name lies. */
export function blobUrl({ containerUrl }: AzblobSettings, prefix: string, name: string): URL {
  const url = new URL(containerUrl);
  const segments = posix.join(prefix, name).split("/");
  url.pathname += `/${segments.map((segment) => encodeURIComponent(segment).replaceAll("%3A", ":")).join("/")}`;
  return url;
}

function keyOf(text: string | undefined): Buffer | undefined {
  if (!text) return undefined;
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0) return Buffer.from(text, "base64");
  throw invalid("failed to create shared key: secret_access_key is not base64, as keys of storage accounts are");
}

function invalid(message: string): BuildError {
  return new BuildError("invalid_argument", message);
}
