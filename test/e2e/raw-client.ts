import { randomUUID } from "node:crypto";
import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BuildKitClient, connect, dialAddress, type SolveRequest } from "../../src/client/mod.ts";
import { marshal, source, type State } from "../../src/llb/mod.ts";
import { type Attachable, fileSend } from "../../src/session/mod.ts";
import { type LabEngine, startEngine } from "../lab/mod.ts";
import { type House, listTar } from "./harness.ts";

/** A client that hands graphs to an engine of its own, as `buildctl build` does with definitions. */
export interface RawClient {
  readonly client: BuildKitClient;
  readonly engine: LabEngine;
  /** Builds, and returns what came out: its entries as `tar -tv` lists them by path, and the text of its files. */
  tree(state: State, options?: RawOptions): Promise<RawTree>;
}

/** What else the client offers, and asks for. */
export interface RawOptions {
  readonly attachables?: readonly Attachable[];
  readonly request?: SolveRequest;
}

/** What a build gave. */
export interface RawTree {
  readonly entries: ReadonlyMap<string, string>;
  text(path: string): Promise<string>;
  bytes(path: string): Promise<Buffer>;
}

/** Any source, by what a definition says of it. */
export function rawSource(identifier: string, attributes: Readonly<Record<string, string>> = {}): State {
  return source({ identifier, attributes, capabilities: [] });
}

/** Opens the client, and starts its engine, for the test file that has this house. */
export async function openRawClient(house: House, args: readonly string[] = []): Promise<RawClient> {
  const home = await house.directory();
  const address = `unix://${join(home, "engine.sock")}`;
  const engine = house.own(await startEngine(["--addr", address, "--root", join(home, "root"), ...args]));
  const client = house.own(new BuildKitClient(connect({ open: dialAddress(address) })));
  return {
    client,
    engine,
    async tree(state, { attachables = [], request = {} } = {}) {
      const path = join(await house.directory(), "out.tar");
      const target = {
        type: "file",
        open: async () => {
          const file = await open(path, "w");
          const close = () => file.close();
          return { write: async (bytes: Uint8Array) => void (await file.write(bytes)), close, abort: close };
        },
      } as const;
      await using session = await client.openSession({ attachables: [fileSend([target]), ...attachables] });
      const Exporters = [{ Type: "tar", Attrs: {} }];
      const fixed = { Ref: randomUUID(), Session: session.id, Definition: marshal(state), Exporters };
      await client.solve({ ...fixed, ...request }, { timeoutMs: 120_000 });
      const bytes = async (name: string) => {
        const args = ["-xOf", path, name];
        return (await promisify(execFile)("tar", args, { encoding: "buffer", maxBuffer: 2 ** 26 })).stdout;
      };
      return { entries: await listTar(path), bytes, text: async (name) => (await bytes(name)).toString() };
    },
  };
}
