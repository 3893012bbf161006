import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { exporter, policysession, sourcepolicy } from "../../src/api/mod.ts";
import type { MessageInitShape } from "../../src/base/protobuf/mod.ts";
import { BuildKitClient, connect, dialAddress, type SolveRequest } from "../../src/client/mod.ts";
import { type Route, service } from "../../src/rpc/mod.ts";
import { fileSend, fileSync, type SendTarget } from "../../src/session/mod.ts";
import { openHouse } from "./harness.ts";

/** What an engine asks of its client's session besides files and logins. */
const house = await openHouse();
const { host } = house.registry;
const other = `${host}/other:1`;
await house.build(await house.context({ Dockerfile: `FROM ${house.base}\nRUN echo other > /which\n` }), [
  "--push",
  "-t",
  other,
]);
const client = house.own(new BuildKitClient(connect({ open: dialAddress(`unix://${house.socket}`) })));
const { ALLOW, DENY, CONVERT } = sourcepolicy.PolicyAction;

/** Builds a Dockerfile with a session that serves these routes. */
async function solve(
  dockerfile: string,
  routes: readonly Route[],
  { targets = [], ...request }: SolveRequest & { readonly targets?: readonly SendTarget[] } = {},
) {
  const path = await house.context({ Dockerfile: dockerfile });
  const files = fileSync({ dirs: { context: { path }, dockerfile: { path } } });
  await using session = await client.openSession({ attachables: [files, fileSend(targets), { routes }] });
  const { SourcePolicySession: asked } = request;
  return await client.solve({
    Ref: randomUUID(),
    Session: session.id,
    Frontend: "dockerfile.v0",
    ...request,
    ...(asked === ownSession ? { SourcePolicySession: session.id } : {}),
  });
}

/** Stands for the session of the build itself. */
const ownSession = "own";
const own = { SourcePolicySession: ownSession };

type Check = MessageInitShape<typeof policysession.CheckPolicyResponseSchema>;

/** A client's policy, and what it was asked. */
function policy(decide: (request: policysession.CheckPolicyRequest) => Check) {
  const asked: policysession.CheckPolicyRequest[] = [];
  const routes = service(policysession.PolicyVerifier, {
    checkPolicy: (request) => {
      asked.push(request);
      return decide(request);
    },
  });
  return { asked, routes };
}
const decision = (action: sourcepolicy.PolicyAction, more = {}): Check => ({
  result: { case: "decision", value: { action, ...more } },
});

suite("a policy that the client has", () => {
  test("is asked about each source before it is looked at, and again with what it wants to know", async () => {
    const { asked, routes } = policy(({ Source }) => {
      const { Source: op, Image } = Source ?? {};
      if (op?.identifier === `docker-image://${other}` && !Image) {
        return { result: { case: "request", value: { Source: op, Platform: { OS: "linux", Architecture: "amd64" } } } };
      }
      return decision(ALLOW);
    });
    await solve(`FROM ${other}\nADD http://${host}/v2/ /x\n`, routes, own);
    const seen = new Set(asked.map(({ Source }) => Source?.Source?.identifier.replace(/@sha256:.*/, "@")));
    for (const id of [
      "local://dockerfile",
      `docker-image://${other}`,
      `docker-image://${other}@`,
      `http://${host}/v2/`,
    ]) {
      assert.ok(seen.has(id), `${id} of ${[...seen].join(", ")}`);
    }
    const told = asked.find(({ Source }) => Source?.Image);
    assert.match(told?.Source?.Image?.Digest ?? "", /^sha256:/);
    assert.match(Buffer.from(told?.Source?.Image?.Config ?? []).toString(), /"rootfs"/);
    assert.ok(asked.some(({ Platform }) => Platform?.Architecture === "amd64"));
  });

  test("may want a checksum of its own of a file, and what is said of an image", async () => {
    const Suffix = Buffer.from("suffix");
    const { asked, routes } = policy(({ Source }) => {
      const { Source: op, HTTP, Image } = Source ?? {};
      if (op?.identifier.startsWith("http:") && !HTTP) {
        const value = { Source: op, HTTP: { ChecksumRequest: { Algo: 2, Suffix } } };
        return { result: { case: "request", value } };
      }
      if (op?.identifier === `docker-image://${other}` && !Image) {
        const value = { Source: op, Image: { NoConfig: true, ResolveAttestations: ["https://example.org/any"] } };
        return { result: { case: "request", value } };
      }
      return decision(ALLOW);
    });
    await solve(`FROM ${other}\nADD http://${host}/v2/ /x\n`, routes, own);
    const { ChecksumResponse } = asked.find(({ Source }) => Source?.HTTP)?.Source?.HTTP ?? {};
    assert.equal(ChecksumResponse?.Digest, `sha512:${createHash("sha512").update("{}").update(Suffix).digest("hex")}`);
    assert.deepEqual(Buffer.from(ChecksumResponse.Suffix), Suffix);
    const { Digest, Config } = asked.find(({ Source }) => Source?.Image)?.Source?.Image ?? {};
    assert.match(Digest ?? "", /^sha256:/);
    assert.equal(Config?.byteLength, 0);
  });

  test("refuses a source with its reasons, and has another one taken in its place", async () => {
    const never = policy(() => decision(DENY, { denyMessages: [{ message: "nothing is to be trusted" }] }));
    await assert.rejects(solve(`FROM ${other}\n`, never.routes, own), (error: never) => {
      const { message, details } = error as { message: string; details: { typeUrl: string; value: Uint8Array }[] };
      assert.match(message, /source "local:\/\/dockerfile" not allowed by policy: action DENY/);
      const detail = details.find(({ typeUrl }) => typeUrl.endsWith("policysession.DecisionResponse+json"));
      assert.match(Buffer.from(detail?.value ?? []).toString(), /nothing is to be trusted/);
      return true;
    });
    const { routes } = policy(({ Source }) =>
      Source?.Source?.identifier.startsWith("docker-image://example.invalid/")
        ? decision(CONVERT, { update: { identifier: `docker-image://${other}` } })
        : decision(ALLOW),
    );
    const path = await house.directory();
    await solve("FROM example.invalid/app\n", routes, {
      ...own,
      Exporters: [{ Type: "local" }],
      targets: [{ type: "directory", path, mode: "copy" }],
    });
    assert.equal(await readFile(join(path, "which"), "utf8"), "other\n");
  });

  test("is missed when its session is not there", async () => {
    await assert.rejects(
      solve("FROM scratch\n", [], { SourcePolicySession: "nobody" }),
      /no active session for nobody/,
    );
    await assert.rejects(solve("FROM scratch\n", [], own), /unknown service .*PolicyVerifier/);
  });
});

suite("exporters that the client adds when it sees the result", () => {
  const dockerfile = "FROM scratch\nCOPY Dockerfile /copied\n";

  test("run after those of the request, and the client is told what they did", async () => {
    const [first, second] = [await house.directory(), await house.directory()];
    const image = `${host}/added:1`;
    const found: exporter.FindExportersRequest[] = [];
    const finalized: exporter.FinalizeExportRequest[] = [];
    const routes = service(exporter.Exporter, {
      findExporters: (request) => {
        found.push(request);
        return { exporters: [{ Type: "local" }, { Type: "image", Attrs: { name: image, push: "true" } }] };
      },
      finalizeExport: (request) => {
        finalized.push(request);
        return {};
      },
    });
    const { ExporterResponse } = await solve(dockerfile, routes, {
      EnableSessionExporter: true,
      Exporters: [{ Type: "local" }],
      targets: [first, second].map((path) => ({ type: "directory", path, mode: "copy" })),
    });
    for (const path of [first, second]) assert.deepEqual(await readdir(path), ["copied"]);
    assert.equal(ExporterResponse["image.name"], image);
    assert.equal(found[0]?.refs.length, 1);
    assert.ok(found[0]?.metadata["containerimage.config"]);
    assert.deepEqual(
      finalized.map(({ exporterResponse }) => exporterResponse),
      [ExporterResponse],
    );
  });

  test("are none for a client that offers none, and must make sense", async () => {
    await solve(dockerfile, [], { EnableSessionExporter: true });
    const routes = service(exporter.Exporter, { findExporters: () => ({ exporters: [{ Type: "nowhere" }] }) });
    await assert.rejects(
      solve(dockerfile, routes, { EnableSessionExporter: true }),
      /exporter "nowhere" could not be found/,
    );
  });
});

test("an exporter that is asked for as in old times is in the build's record", async () => {
  const path = await house.directory();
  await solve("FROM scratch\nCOPY Dockerfile /copied\n", [], {
    ExporterDeprecated: "local",
    targets: [{ type: "directory", path, mode: "copy" }],
  });
  const [record] = await client.history({ limit: 1 });
  assert.deepEqual(
    record?.Exporters.map(({ Type }) => Type),
    ["local"],
  );
});
