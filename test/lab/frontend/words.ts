/**
 * A frontend for tests, as an image would have it: what stands in the Dockerfile's place is a list of orders, one per line. It speaks to the
 * engine over its standard input and output, and has its options in its environment.
 *
 *   word TEXT      a line of the file /words of the image
 *   options        a line for each option that it was given
 *   inputs         a line for each input
 *   files PATTERN  a line for each file beside the Dockerfile whose name matches
 *   image NAME     what the name of an image means: its digest
 *   source ID      what is at a repository or an address
 *   old            the result by its bare id, as frontends of old gave it
 *   warn TEXT      a warning
 *   say JSON       something that is said of the image
 *   docker LINE    a line of a Dockerfile that the frontend built into the engine does, on top of nothing else
 *   itself         the same, asked of another process of the frontend
 *   fail TEXT      an error
 *   crash CODE     the end, without a result
 *   hang           nothing, for ever
 */
import { Duplex } from "node:stream";
import { gateway } from "../../../src/api/mod.ts";
import { BuildError } from "../../../src/base/errors/mod.ts";
import { type Client, connect, createClient, statusOf } from "../../../src/rpc/mod.ts";
import { local, marshal, scratch, vertexDigest } from "../../../src/llb/mod.ts";

const options = new Map(
  Object.entries(process.env).flatMap(([name, value = ""]): [string, string][] => {
    const equals = value.indexOf("=");
    return /^BUILDKIT_FRONTEND_OPT_\d+$/.test(name) ? [[value.slice(0, equals), value.slice(equals + 1)]] : [];
  }),
);
const sessionId = process.env["BUILDKIT_SESSION_ID"] ?? "";
const bytes = (text: string) => new TextEncoder().encode(text);

await using channel = connect({
  open: () => Promise.resolve(duplexPair()),
  redial: false,
});
const bridge = createClient(gateway.LLBBridge, channel);
try {
  await bridge.return({ result: await build(bridge) });
} catch (error) {
  await bridge.return({ error: statusOf(error) });
}
process.exit(0);

/** Both streams as one connection. */
function duplexPair(): Duplex {
  const { stdin, stdout } = process;
  const duplex: Duplex = new Duplex({
    read: () => void stdin.resume(),
    write: (chunk: Uint8Array, _encoding, done) => void stdout.write(chunk, done),
  });
  stdin.on("data", (chunk: Buffer) => {
    if (!duplex.push(chunk)) stdin.pause();
  });
  stdin.once("end", () => duplex.push(null));
  return duplex;
}

async function build(engine: Client<typeof gateway.LLBBridge>) {
  const { FrontendAPICaps, Workers } = await engine.ping({});
  if (FrontendAPICaps.length === 0 || Workers.length === 0)
    throw new BuildError("unknown", "an engine without anything");
  const filename = options.get("filename") ?? "Dockerfile";
  const source = local("dockerfile", { sessionId }, { name: `read ${filename}` });
  const { result } = await engine.solve({
    Definition: marshal(source),
    allowResultReturn: true,
    allowResultArrayRef: true,
  });
  const id = result?.result.case === "ref" ? result.result.value.id : "";
  const { Data } = await engine.readFile({ Ref: id, FilePath: filename });
  const orders = new TextDecoder().decode(Data).split("\n");
  const words: string[] = [];
  const said: string[] = [];
  let isOld = false;
  const dockerfile: string[] = [];
  for (const order of orders) {
    const [, verb = "", rest = ""] = /^(\w+) ?(.*)$/.exec(order) ?? [];
    switch (verb) {
      case "word":
        words.push(rest);
        break;
      case "options":
        for (const [key, value] of [...options].toSorted(([a], [b]) => (a < b ? -1 : 1)))
          words.push(`${key}: ${value}`);
        break;
      case "inputs":
        words.push(...Object.keys((await engine.inputs({})).Definitions).toSorted());
        break;
      case "files": {
        const { entries } = await engine.readDir({ Ref: id, DirPath: "/", IncludePattern: rest });
        words.push(...entries.map(({ path }) => path));
        break;
      }
      case "image": {
        const { Source, Image } = await engine.resolveSourceMeta({ Source: { identifier: `docker-image://${rest}` } });
        words.push(`${Source?.identifier} ${Image?.Digest}`);
        break;
      }
      case "source": {
        const attrs = { "git.fullurl": rest.split("#", 1)[0] ?? "" };
        const { Git, HTTP } = await engine.resolveSourceMeta({ Source: { identifier: rest, attrs } });
        if (Git) words.push(`${Git.Ref} ${Git.Checksum} ${Git.CommitChecksum}`.trim());
        if (HTTP) words.push(`${HTTP.Filename} ${HTTP.Checksum} ${HTTP.LastModified?.seconds}`);
        break;
      }
      case "old":
        isOld = true;
        break;
      case "warn":
        await engine.warn({
          level: 1n,
          short: bytes(rest),
          detail: [],
          digest: vertexDigest(source) ?? "",
          url: "",
          ranges: [],
        });
        break;
      case "say":
        said.push(rest);
        break;
      case "docker":
        dockerfile.push(rest);
        break;
      case "itself": {
        const FrontendOpt = Object.fromEntries(options);
        const request = { Frontend: "gateway.v0", FrontendOpt, allowResultReturn: true, allowResultArrayRef: true };
        const { result: again } = await engine.solve(request);
        if (!again) throw new BuildError("unknown", "no result");
        return again;
      }
      case "fail":
        throw new BuildError("invalid_argument", rest);
      case "crash":
        process.stderr.write("crashed as I was told\n");
        process.exit(Number(rest));
        break;
      case "hang":
        await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    }
  }
  if (dockerfile.length > 0) {
    const data = bytes(`${dockerfile.join("\n")}\n`);
    const file = scratch.file([{ type: "mkfile", path: "/Dockerfile", mode: 0o644, data }]);
    const reply = await engine.solve({
      Frontend: "dockerfile.v0",
      FrontendOpt: { ...Object.fromEntries(options), filename: "Dockerfile" },
      FrontendInputs: { dockerfile: marshal(file) },
      allowResultReturn: true,
      allowResultArrayRef: true,
    });
    if (!reply.result) throw new BuildError("unknown", "no result");
    return reply.result;
  }
  const data = bytes(words.map((word) => `${word}\n`).join(""));
  const made = scratch.file([{ type: "mkfile", path: "/words", mode: 0o644, data }], { name: "write words" });
  if (isOld) {
    const { ref } = await engine.solve({ Definition: marshal(made) });
    return { result: { case: "refDeprecated" as const, value: ref } };
  }
  const reply = await engine.solve({ Definition: marshal(made), allowResultReturn: true, allowResultArrayRef: true });
  if (!reply.result) throw new BuildError("unknown", "no result");
  const attestation = await Promise.all(said.map(async (json) => await attestationOf(engine, json)));
  const platform = `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`;
  return { result: reply.result.result, attestations: { [platform]: { attestation } } };
}

async function attestationOf(engine: Client<typeof gateway.LLBBridge>, json: string) {
  const state = scratch.file([{ type: "mkfile", path: "/said", mode: 0o644, data: bytes(json) }]);
  const reply = await engine.solve({ Definition: marshal(state), allowResultReturn: true, allowResultArrayRef: true });
  const id = reply.result?.result.case === "ref" ? reply.result.result.value.id : "";
  return { ref: { id }, path: "said", inTotoPredicateType: "https://example.com/said/v1" };
}
