import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { control, reflection, reflectionV1Alpha } from "../../api/mod.ts";
import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import { type Channel, connect, createClient, createRpcServer, service } from "../../rpc/mod.ts";
import { reflectionService } from "./reflection.ts";

const routes = service(control.Control, { info: () => ({}) });

/** A channel to a server with Control and reflection. */
function open(): Channel & AsyncDisposable {
  const server = createRpcServer({ services: [routes, reflectionService(routes)] });
  const channel = connect({
    open: async () => {
      const [ours, theirs] = duplexPair();
      void server.attach(theirs);
      return ours;
    },
  });
  return Object.assign(channel, {
    [Symbol.asyncDispose]: async () => {
      await channel.close();
      await server.close({ graceMs: 0 });
    },
  });
}

async function ask(channel: Channel, question: MessageInitShape<typeof reflection.ServerReflectionRequestSchema>) {
  const client = createClient(reflection.ServerReflection, channel);
  const questions = async function* () {
    yield question;
  };
  for await (const { messageResponse } of client.serverReflectionInfo(questions())) return messageResponse;
  return assert.fail("no answer");
}

test("names the services of the server, and itself in both versions", async () => {
  await using channel = open();
  const want = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "moby.buildkit.v1.Control",
  ];
  const answer = await ask(channel, { messageRequest: { case: "listServices", value: "" } });
  assert.ok(answer.case === "listServicesResponse");
  assert.deepEqual(
    answer.value.service.map(({ name }) => name),
    want,
  );
  const older = createClient(reflectionV1Alpha.ServerReflection, channel);
  const questions = async function* () {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
  };
  for await (const { messageResponse } of older.serverReflectionInfo(questions())) {
    assert.ok(messageResponse.case === "listServicesResponse");
    assert.equal(messageResponse.value.service.length, want.length);
  }
});

for (const symbol of ["moby.buildkit.v1.Control", "moby.buildkit.v1.Control.Solve", "moby.buildkit.v1.SolveRequest"]) {
  test(`describes ${symbol} with all that it needs`, async () => {
    await using channel = open();
    const answer = await ask(channel, { messageRequest: { case: "fileContainingSymbol", value: symbol } });
    assert.ok(answer.case === "fileDescriptorResponse");
    const files = new Map(
      answer.value.fileDescriptorProto.map((bytes) => {
        const file = fromBinary(FileDescriptorProtoSchema, bytes);
        return [file.name, file];
      }),
    );
    const inOrder = new Set<FileDescriptorProto>();
    const add = (name: string) => {
      const file = files.get(name) ?? assert.fail(`${name} is needed, and is not there`);
      file.dependency.forEach(add);
      inOrder.add(file);
    };
    add("buildkit/control.proto");
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...inOrder] }));
    const solve = registry.getService("moby.buildkit.v1.Control")?.method["solve"];
    assert.equal(solve?.input.fields.find(({ name }) => name === "Definition")?.message?.typeName, "pb.Definition");
  });
}

test("says what it does not know", async () => {
  await using channel = open();
  for (const question of ["fileContainingSymbol", "fileByFilename", "allExtensionNumbersOfType"] as const) {
    const answer = await ask(channel, { messageRequest: { case: question, value: "no.Such" } });
    assert.deepEqual(
      [answer.case, answer.value && "errorCode" in answer.value && answer.value.errorCode],
      ["errorResponse", 5],
    );
  }
});
