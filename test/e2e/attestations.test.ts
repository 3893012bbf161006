import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type Bridge, addGraph, leading } from "./gateway-client.ts";
import { BuildKitClient, connect, dialAddress } from "../../src/client/mod.ts";
import { scratch, type State } from "../../src/llb/mod.ts";
import type { MessageInitShape } from "../../src/base/protobuf/mod.ts";
import type { gateway } from "../../src/api/mod.ts";
import { must, startEngine } from "../lab/mod.ts";
import { openHouse } from "./harness.ts";

/* What is said of results, whoever says it: how it comes into images, archives and directories, and out of them again. */

const house = await openHouse();
const { host } = house.registry;
const address = `unix://${join(await house.directory(), "engine.sock")}`;
house.own(await startEngine(["--addr", address]));
const client = house.own(new BuildKitClient(connect({ open: dialAddress(address) })));

type Said = MessageInitShape<typeof gateway.AttestationSchema>;
const inToto = 0;
const file = (path: string, text: string, on: State = scratch) =>
  on.file([{ type: "mkfile", path, mode: 0o644, data: Buffer.from(text) }]);
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const saidType = "https://example.com/said/v1";
const platform = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
const id = `${platform.os}/${platform.architecture}`;

/** Something that is said: one predicate. */
async function predicate(bridge: Bridge, json: string, more: Said = {}): Promise<Said> {
  const ref = { id: await addGraph(bridge, file("/said.json", json)) };
  return { kind: inToto, ref, path: "/said.json", inTotoPredicateType: saidType, ...more };
}

/** A build of one file, of which `say` says something. */
async function build(
  exporter: { Type: string; Attrs: Record<string, string> },
  say: (bridge: Bridge) => Promise<readonly Said[]>,
  platforms: readonly string[] = [],
) {
  const led = await leading(
    client,
    async (bridge, outcome) => {
      const ref = { id: await addGraph(bridge, file("/a", "a\n")) };
      const attestation = [...(await say(bridge))];
      const several = platforms.length > 0;
      const ids = several ? platforms : [id];
      const list = ids.map((ID) => ({ ID, Platform: { OS: "linux", os: "linux", architecture: ID.split("/")[1] } }));
      await bridge.return({
        result: {
          result: several
            ? { case: "refs", value: { refs: Object.fromEntries(ids.map((key) => [key, ref])) } }
            : { case: "ref", value: ref },
          ...(several && { metadata: { "refs.platforms": bytes(JSON.stringify({ Platforms: list })) } }),
          attestations: Object.fromEntries(ids.map((key) => [key, { attestation }])),
        },
      });
      await outcome;
    },
    { Exporters: [exporter] },
  );
  return (await led.outcome).ExporterResponse;
}
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
const raw = async (name: string) =>
  JSON.parse(await must("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${name}`]));
const blob = async (name: string, digest: string) =>
  await (await fetch(`http://${host}/v2/${name}/blobs/${digest}`)).text();

suite("an image of which something is said", () => {
  test("is an index: the image, and a manifest about it of statements", async () => {
    const name = `${host}/said`;
    const response = await build(
      { Type: "image", Attrs: { name: `${name}:1,${name}:2`, push: "true" } },
      async (bridge) => [await predicate(bridge, '{ "b": "<1>", "a": [] }')],
    );
    const index = await raw(`${name}:1`);
    assert.equal(response["containerimage.config.digest"], undefined);
    const [image, attestation] = index.manifests as [Descriptor, Descriptor];
    assert.equal(index.manifests.length, 2);
    assert.deepEqual(image.platform, { os: "linux", architecture: platform.architecture });
    assert.deepEqual(attestation.platform, { os: "unknown", architecture: "unknown" });
    assert.deepEqual(attestation.annotations, {
      "vnd.docker.reference.digest": image.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    });
    const manifest = await raw(`${name}@${attestation.digest}`);
    const empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    const [layer] = manifest.layers as [Descriptor];
    const { digest, size } = layer;
    const { mediaType } = image;
    assert.deepEqual(manifest, {
      schemaVersion: 2,
      mediaType,
      artifactType: "application/vnd.docker.attestation.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.empty.v1+json", digest: empty, size: 2, data: "e30=" },
      layers: [
        {
          mediaType: "application/vnd.in-toto+json",
          digest,
          size,
          annotations: { "in-toto.io/predicate-type": saidType },
        },
      ],
      subject: { mediaType, digest: image.digest, size: image.size },
    });
    const subject = (tag: number) =>
      `{"name":"pkg:docker/${name.replace(":", "%3A")}@${tag}?platform=${encodeURIComponent(id)}","digest":{"sha256":"${image.digest.slice(7)}"}}`;
    assert.equal(
      await blob("said", digest),
      `{"_type":"https://in-toto.io/Statement/v1","predicateType":"${saidType}","subject":[${subject(1)},${subject(2)}],` +
        `"predicate":{"b":"\\u003c1\\u003e","a":[]}}`,
    );
  });
});
