import { existsSync, readFileSync } from "node:fs";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { parsePlatform, type Platform } from "../../oci/mod.ts";
import type { HostConfig } from "../../registry/mod.ts";
import type { DnsConfig } from "./engine-config.ts";
import { type CdiFileConfig, readCdi } from "./cdi.ts";
import { checkEntitlement } from "./entitlements.ts";
import { fixedSettings, judgeFixed } from "./fixed-settings.ts";
import { type FrontendConfig, readFrontends } from "./frontends.ts";
import { readRegistries } from "./registries.ts";
import { type GcConfig, readGc } from "./gc.ts";
import { type HistoryConfig, readHistory } from "./history.ts";
import { readSystem, type SystemConfig } from "./system.ts";
import { type NetworkFileConfig, readNetwork } from "./network.ts";
import { keyLines } from "./toml-lines.ts";
import { type TomlFile, TomlTable } from "./toml-table.ts";

/** What a buildkitd.toml said; what it did not say is `undefined` or empty. */
export interface ConfigFile {
  readonly root: string | undefined;
  readonly debug: boolean;
  readonly logLevel: string | undefined;
  readonly logFormat: string | undefined;
  readonly addresses: readonly string[];
  readonly debugAddress: string | undefined;
  readonly traceSocket: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly tls: Readonly<Record<"cert" | "key" | "ca", string | undefined>>;
  readonly entitlements: readonly string[] | undefined;
  readonly maxParallelism: number | undefined;
  readonly gc: GcConfig;
  readonly history: HistoryConfig;
  readonly frontends: FrontendConfig;
  readonly provenanceEnvDir: string | undefined;
  readonly system: SystemConfig;
  readonly runtime: string | undefined;
  readonly cgroupParent: string | undefined;
  readonly platforms: readonly Platform[];
  readonly labels: Readonly<Record<string, string>>;
  readonly dns: DnsConfig | undefined;
  readonly network: NetworkFileConfig;
  readonly cdi: CdiFileConfig;
  readonly registries: ReadonlyMap<string, HostConfig>;
  readonly warnings: readonly string[];
}

/**
 * Reads a file in the form of buildkitd.toml. One that is not there is an empty one, as for buildkitd.
 * @throws {BuildError} with file, line and key of the first thing that is wrong
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  if (!existsSync(path)) return interpret(new TomlTable({ name: path, lines: () => 1, warnings: [] }, {}), []);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new BuildError("invalid_argument", `failed to load config: ${messageOf(cause)}`, { cause });
  }
  const { parse, TomlError } = await import("smol-toml");
  try {
    const values = parse(text);
    const warnings: string[] = [];
    const file: TomlFile = { name: path, lines: keyLines(text), warnings };
    return interpret(new TomlTable(file, values), warnings);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const what = cause.message.split("\n", 1)[0]?.replace(/^Invalid TOML document: /, "");
    throw new BuildError(
      "invalid_argument",
      `failed to load config: ${path}:${cause.line}:${cause.column}: ${what}\n\n${cause.codeblock.trimEnd()}`,
      { cause },
    );
  }
}

function interpret(top: TomlTable, warnings: readonly string[]): ConfigFile {
  const tables = openTables(top);
  checkFixed(top, tables);
  const [log, grpc, oci] = [top.table("log"), top.table("grpc"), tables(["worker", "oci"])];
  const [tls, labels] = [grpc.table("tls"), oci.table("labels")];
  const debug = top.bool("debug") ?? false;
  const trace = top.bool("trace") ?? false;
  for (const key of ["debug", "trace"].filter((key) => top.keys.includes(key))) {
    top.warn(key, `deprecated, use [log] level = "debug"`);
  }
  const file: ConfigFile = {
    root: top.string("root"),
    debug: debug || trace,
    logLevel: log.string("level"),
    logFormat: log.string("format"),
    addresses: grpc.strings("address") ?? [],
    debugAddress: grpc.string("debugAddress"),
    traceSocket: top.table("otel").string("socketPath"),
    uid: grpc.count("uid"),
    gid: grpc.count("gid"),
    tls: { cert: tls.string("cert"), key: tls.string("key"), ca: tls.string("ca") },
    entitlements: readEntitlements(top),
    maxParallelism: oci.count("max-parallelism"),
    gc: readGc(oci),
    history: readHistory(top.table("history")),
    frontends: readFrontends(top.table("frontend")),
    provenanceEnvDir: top.string("provenanceEnvDir"),
    system: readSystem(top.table("system")),
    runtime: oci.string("binary"),
    cgroupParent: oci.string("defaultCgroupParent"),
    platforms: readPlatforms(oci),
    labels: Object.fromEntries(labels.keys.map((key) => [key, labels.string(key) ?? ""])),
    dns: readDns(top.table("dns")),
    network: readNetwork(oci),
    cdi: readCdi(top.table("cdi")),
    registries: readRegistries(top.table("registry")),
    warnings,
  };
  top.warnOfUnread();
  return file;
}

/** Tables by path, each opened once, so that each knows all that was asked of it. */
function openTables(top: TomlTable): (path: readonly string[]) => TomlTable {
  const open = new Map<string, TomlTable>([["", top]]);
  const find = (path: readonly string[]): TomlTable => {
    const id = path.join(".");
    const table = open.get(id) ?? find(path.slice(0, -1)).table(path.at(-1) ?? "");
    open.set(id, table);
    return table;
  };
  return find;
}

/** Settings about which there is no choice: what buildkitd would not do either is fine, what matters is refused. */
function checkFixed(top: TomlTable, tables: (path: readonly string[]) => TomlTable): void {
  for (const { key: path, ...setting } of fixedSettings) {
    if (path === undefined) continue;
    const key = path.at(-1) as string;
    const table = tables(path.slice(0, -1));
    const value = table.scalar(key);
    const wrong = value === undefined ? undefined : judgeFixed(setting, value);
    if (wrong !== undefined) table.fail(key, wrong);
  }
  tables(["worker", "containerd"]).ignore(); // it is off, and what is off needs no settings
  const verify = top.table("cache").table("gha").table("verify");
  if (verify.bool("required")) {
    verify.fail("required", "true is not supported: this engine cannot verify the signatures of caches");
  }
}

function readEntitlements(top: TomlTable): readonly string[] | undefined {
  const key = "insecure-entitlements";
  return top.strings(key)?.filter((name) => {
    const wrong = checkEntitlement(name);
    if (wrong === undefined) return true;
    return top.fail(key, wrong);
  });
}

function readPlatforms(oci: TomlTable): readonly Platform[] {
  return (oci.strings("platforms") ?? []).map((text) => {
    try {
      return parsePlatform(text);
    } catch (cause) {
      return oci.fail("platforms", messageOf(cause), { cause });
    }
  });
}

function readDns(dns: TomlTable): DnsConfig | undefined {
  const config = {
    nameservers: dns.strings("nameservers") ?? [],
    options: dns.strings("options") ?? [],
    searchDomains: dns.strings("searchDomains") ?? [],
  };
  return Object.values(config).some((list) => list.length > 0) ? config : undefined;
}
