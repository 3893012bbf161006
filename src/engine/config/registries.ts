import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { messageOf } from "../../base/errors/mod.ts";
import type { HostConfig } from "../../registry/mod.ts";
import type { TomlTable } from "./toml-table.ts";

/** Reads `[registry."HOST"]` tables; certificates are loaded and checked here, so that a wrong file is named at the start. */
export function readRegistries(all: TomlTable): ReadonlyMap<string, HostConfig> {
  return new Map(
    all.keys.map((host) => {
      if (host === "" || /[/\s]/.test(host)) all.fail(host, "want a registry as it stands in image names: host[:port]");
      return [host, readHost(all.table(host))];
    }),
  );
}

function readHost(table: TomlTable): HostConfig {
  const plainHttp = table.bool("http");
  const mirrors = table.strings("mirrors");
  for (const mirror of mirrors ?? []) checkMirror(table, mirror);
  const directories = (table.strings("tlsconfigdir") ?? []).map((path) => readDirectory(table, path));
  const ca = [
    ...(table.strings("ca") ?? []).map((path) => readCertificates(table, "ca", path)),
    ...directories.flatMap((directory) => directory.ca),
  ];
  const pairs = [
    ...table.tables("keypair").map((pair) => readPair(pair)),
    ...directories.flatMap((directory) => directory.pairs),
  ];
  const [clientCertificate, ...more] = pairs;
  if (more.length > 0) table.warn("keypair", "more than one pair: only the first is used");
  return {
    ...(plainHttp === undefined ? {} : { plainHttp }),
    ...(table.bool("insecure") ? { insecure: true } : {}),
    ...(ca.length > 0 ? { ca } : {}),
    ...(clientCertificate ? { clientCertificate } : {}),
    ...(mirrors?.length ? { mirrors } : {}),
  };
}

function checkMirror(table: TomlTable, mirror: string): void {
  if (mirror.includes("://")) {
    const host = mirror.replace(/^\w+:\/\//, "").split("/", 1)[0] ?? "";
    table.fail(
      "mirrors",
      `${JSON.stringify(mirror)} names a scheme: want host[:port][/path], and for plain HTTP a table [registry.${JSON.stringify(host)}] with http = true`,
    );
  }
  if (!/^[^\s/?#@]+(?:\/[^\s?#]*)?$/.test(mirror)) {
    table.fail("mirrors", `${JSON.stringify(mirror)} is no mirror: want host[:port][/path]`);
  }
}

/** A directory as Docker has them under certs.d: `*.crt` are authorities, `NAME.cert` and `NAME.key` a pair. */
function readDirectory(table: TomlTable, path: string): { ca: string[]; pairs: { cert: string; key: string }[] } {
  const key = "tlsconfigdir";
  let names: string[];
  try {
    names = readdirSync(path).toSorted();
  } catch (cause) {
    return table.fail(key, `cannot read the directory: ${messageOf(cause)}`, { cause });
  }
  const withEnding = (ending: string) => names.filter((name) => name.endsWith(ending)).map((name) => join(path, name));
  return {
    ca: withEnding(".crt").map((file) => readCertificates(table, key, file)),
    pairs: withEnding(".cert").map((file) => {
      const pair = { cert: read(table, key, file), key: read(table, key, file.replace(/\.cert$/, ".key")) };
      return checkPair(table, key, pair);
    }),
  };
}

function readPair(table: TomlTable): { cert: string; key: string } {
  const path = (key: "cert" | "key") => table.string(key) ?? table.fail(key, "a keypair wants both key and cert");
  const pair = { cert: read(table, "cert", path("cert")), key: read(table, "key", path("key")) };
  return checkPair(table, "cert", pair);
}

function checkPair(table: TomlTable, at: string, pair: { cert: string; key: string }): { cert: string; key: string } {
  try {
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    return table.fail(at, `certificate and key cannot be used together: ${messageOf(cause)}`, { cause });
  }
}

function readCertificates(table: TomlTable, key: string, path: string): string {
  const text = read(table, key, path);
  try {
    new X509Certificate(text);
    return text;
  } catch (cause) {
    return table.fail(key, `${path} holds no PEM certificate: ${messageOf(cause)}`, { cause });
  }
}

function read(table: TomlTable, key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    return table.fail(key, `cannot read the file: ${messageOf(cause)}`, { cause });
  }
}
