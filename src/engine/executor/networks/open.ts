import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError, messageOf } from "../../../base/errors/mod.ts";
import { makeDirectorySync } from "../../../base/files/mod.ts";
import { bridgeList, findBridgePlugins, OwnedBridge, removeLeftBridge } from "./bridge.ts";
import {
  AttachmentRecords,
  CniNetworks,
  type NetworkList,
  parseNetworkList,
  type PluginRunner,
  takeApartNoted,
} from "./cni/mod.ts";
import { lockInit } from "./init-lock.ts";
import { hostNetworks, type Networks, type NetworkSettings } from "./networks.ts";

/** What networks need of their engine. */
export interface NetworksOptions {
  /** Undefined: steps share the engine's network. */
  readonly settings: NetworkSettings | undefined;
  /** For records of what must be taken away again. */
  readonly directory: string;
  readonly runner: PluginRunner;
}

/**
 * Opens the networks that the settings name, and takes away what an engine before has left of its own.
 * @throws {BuildError} when a configuration or a plugin is missing, or does not work
 */
export async function openNetworks({ settings, directory, runner }: NetworksOptions): Promise<Networks> {
  const isHost = settings === undefined || settings.mode === "host";
  if (isHost && !existsSync(directory)) return hostNetworks;
  makeDirectorySync(directory, { mode: 0o700 });
  const records = new AttachmentRecords(join(directory, "attachments"));
  const bridgeFile = join(directory, "bridge");
  using _lock = await lockInit(settings?.initLockPath);
  await takeApartNoted({ runner, records });
  removeLeftBridge(bridgeFile, settings?.mode === "bridge" ? settings.bridgeName : undefined);
  if (isHost) return hostNetworks;
  const { cniBinaryDir, cniPoolSize: poolSize, bridgeName: name, bridgeSubnet: subnet } = settings;
  if (settings.mode === "cni") {
    const directories = [existing(cniBinaryDir)];
    return await CniNetworks.open({ runner, records, poolSize, directories, list: readList(settings.cniConfigPath) });
  }
  const plugins = findBridgePlugins(runner.path, cniBinaryDir);
  const { directories } = plugins;
  await using undo = new AsyncDisposableStack();
  undo.use(new OwnedBridge(name, bridgeFile));
  const list = bridgeList(plugins, { name, subnet });
  const networks = undo.use(await CniNetworks.open({ runner, records, poolSize, directories, list }));
  const owned = undo.move();
  return {
    mode: networks.mode,
    take: (step, options) => networks.take(step, options),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function readList(path: string): NetworkList {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new BuildError(
      "failed_precondition",
      `failed to read cni config ${JSON.stringify(path)}: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  }
  return parseNetworkList(text, path);
}

function existing(path: string): string {
  if (existsSync(path)) return path;
  throw new BuildError(
    "failed_precondition",
    `failed to read cni binary dir ${JSON.stringify(path)}: install CNI plugins (Debian's package is containernetworking-plugins) and ` +
      "name their directory with --oci-cni-binary-dir",
  );
}
