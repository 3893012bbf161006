import assert from "node:assert/strict";
import { fromBinary, toBinary, create } from "../base/protobuf/mod.ts";
import { suite, test } from "node:test";
import { control } from "../api/mod.ts";
import { BuildError } from "../base/errors/mod.ts";
import { decodeBytesMessage, encodeBytesMessage } from "./bytes-message.ts";

const schema = control.BytesMessageSchema;

suite("BytesMessage by hand", () => {
  for (const length of [0, 1, 127, 128, 16_383, 16_384, 3_000_000]) {
    test(`is the same as generated code makes it, for ${length} bytes`, () => {
      const data = Buffer.alloc(length, 3);
      const generated = toBinary(schema, create(schema, { data }));
      assert.ok(Buffer.from(encodeBytesMessage([data])).equals(generated));
      assert.ok(Buffer.from(decodeBytesMessage(generated)).equals(data));
      const halves = [data.subarray(0, length >> 1), data.subarray(length >> 1)];
      assert.ok(Buffer.from(fromBinary(schema, encodeBytesMessage(halves)).data).equals(data));
    });
  }

  test("takes as many pieces as there are: what waited for a slow peer leaves at once", () => {
    const message = encodeBytesMessage(Array.from({ length: 300_000 }, () => Uint8Array.of(7)));
    assert.equal(decodeBytesMessage(message).byteLength, 300_000);
  });

  test("skips unknown fields and takes the last of several", () => {
    const message = Buffer.from("1005" + "0a0161" + "1a0178" + "210000000000000000" + "2d00000000" + "0a0162", "hex");
    assert.equal(Buffer.from(decodeBytesMessage(message)).toString(), "b");
  });

  for (const hex of ["0a", "0a05", "0a0561", "ff", "0b", "21", "0affffffffffffffffffff"]) {
    test(`refuses ${hex}`, () => {
      assert.throws(() => decodeBytesMessage(Buffer.from(hex, "hex")), BuildError);
    });
  }
});
