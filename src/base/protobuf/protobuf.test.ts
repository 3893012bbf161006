import assert from "node:assert/strict";
import { test } from "node:test";
import {
  create as createTheirs,
  createFileRegistry,
  fromBinary as decodeTheirs,
  toBinary as encodeTheirs,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  type FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { clone } from "./clone.ts";
import { create } from "./create.ts";
import { DescMessage, type EnumNames, type Field, field, list, map, message, type Scalar } from "./descriptor.ts";
import { fromBinary } from "./from-binary.ts";
import type { Message, MessageShape } from "./message.ts";
import { timestampFromDate, timestampMs } from "./timestamp.ts";
import { toBinary } from "./to-binary.ts";

type Inner = Message<"t.Inner"> & { name: string; count: number; inner?: Inner | undefined };
type Everything = Message<"t.Everything"> & Record<string, unknown>;

const Color: EnumNames = { RED: 0, GREEN: 1, BLUE: 2 };
const InnerSchema: DescMessage<Inner> = message("t.Inner", () => [
  field(1, "name", "string"),
  field(9, "count", "int32"),
  field(3, "inner", InnerSchema),
]);
const scalars: readonly Scalar[] = [
  "bool",
  "bytes",
  "double",
  "fixed32",
  "fixed64",
  "int32",
  "int64",
  "string",
  "uint32",
  "uint64",
];
const keys: readonly Scalar[] = ["bool", "fixed32", "fixed64", "int32", "int64", "string", "uint32", "uint64"];
const EverythingSchema: DescMessage<Everything> = message("t.Everything", () => [
  // not in the order of their numbers, and with numbers of one, two and three bytes
  ...scalars.map((scalar, at) => field(500 - at, `one_${scalar}`, scalar)),
  ...scalars.map((scalar, at) => field(1 + at, `maybe_${scalar}`, scalar, { optional: true })),
  ...scalars.map((scalar, at) => list(20 + at, `many_${scalar}`, scalar)),
  ...scalars.map((scalar, at) => map(40 + at, `by_name_${scalar}`, "string", scalar)),
  ...keys.map((scalar, at) => map(60 + at, `by_${scalar}`, scalar, "string")),
  ...scalars.map((scalar, at) => field(5000 + at, `arm_${scalar}`, scalar, { oneof: "choice" })),
  field(5100, "arm_inner", InnerSchema, { oneof: "choice" }),
  field(600, "inner", InnerSchema),
  list(601, "inners", InnerSchema),
  map(602, "inner_by_name", "string", InnerSchema),
  field(603, "color", Color),
  list(604, "colors", Color),
  map(605, "color_by_name", "string", Color),
]);

const theirs = (() => {
  const registry = createFileRegistry(describe([InnerSchema, EverythingSchema]), () => undefined);
  const desc = registry.getMessage("t.Everything");
  assert.ok(desc);
  return desc;
})();

test("What is written is byte for byte what protobuf-es writes, and both read it alike", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const value = create(EverythingSchema, arbitrary(EverythingSchema, generator(seed), 0));
    const bytes = toBinary(EverythingSchema, value);
    const other = decodeTheirs(theirs, bytes);
    assert.deepEqual(Buffer.from(encodeTheirs(theirs, other)), Buffer.from(bytes), `seed ${seed}`);
    const back = fromBinary(EverythingSchema, bytes);
    assert.deepEqual(back, value, `seed ${seed}`);
    assert.deepEqual(back, other, `seed ${seed}`);
    assert.deepEqual(create(EverythingSchema, value), value);
    assert.deepEqual(clone(EverythingSchema, value), value);
  }
});

test("An empty message has its zeros, as protobuf-es's", () => {
  assert.deepEqual(create(EverythingSchema), createTheirs(theirs));
  assert.equal(toBinary(EverythingSchema, create(EverythingSchema)).byteLength, 0);
});

test("What a type does not know is kept and sent on, also where a known number comes as another kind", () => {
  const bytes = Buffer.from(
    [
      "0a0161", // name
      "12020102", // field 2: bytes
      "210102030405060708", // field 4: eight bytes
      "2d01020304", // field 5: four bytes
      "33080134", // field 6: a group
      "4a0161", // field 9, which is a number, as a string
    ].join(""),
    "hex",
  );
  const read = fromBinary(InnerSchema, bytes);
  assert.equal(read.name, "a");
  assert.equal(read.count, 0);
  assert.deepEqual(Buffer.from(toBinary(InnerSchema, read)), bytes);
});

test("A message that comes in parts is merged, and the last of a oneof's cases holds", () => {
  const part = (init: Record<string, unknown>) => toBinary(EverythingSchema, create(EverythingSchema, init));
  const bytes = Buffer.concat([
    part({ inner: { name: "a" }, choice: { case: "armString", value: "x" } }),
    part({ inner: { count: 2 }, choice: { case: "armInner", value: { name: "b" } } }),
    part({ choice: { case: "armInner", value: { count: 3 } } }),
  ]);
  const read = fromBinary(EverythingSchema, bytes);
  assert.deepEqual(read["inner"], create(InnerSchema, { name: "a", count: 2 }));
  assert.deepEqual(read["choice"], { case: "armInner", value: create(InnerSchema, { name: "b", count: 3 }) });
  assert.deepEqual(read, decodeTheirs(theirs, bytes));
});

test("Numbers of a list are read one by one as well as packed", () => {
  const bytes = Buffer.from([0xc8, 0x01, 5, 0xca, 0x01, 2, 6, 7]);
  assert.deepEqual(fromBinary(EverythingSchema, bytes)["manyInt32"], [5, 6, 7]);
});

test("Bytes that break the rules are refused", () => {
  const whole = toBinary(EverythingSchema, create(EverythingSchema, arbitrary(EverythingSchema, generator(7), 0)));
  const lengths = Array.from({ length: 100 }, (_, at) => Math.floor((at * whole.byteLength) / 100));
  let refused = 0;
  for (const length of lengths) {
    try {
      fromBinary(EverythingSchema, whole.subarray(0, length));
    } catch {
      refused++;
    }
  }
  assert.ok(refused > lengths.length / 2);
  const refuses = (bytes: readonly number[], why: RegExp) =>
    assert.throws(() => fromBinary(InnerSchema, Uint8Array.from(bytes)), why);
  refuses([0x0a, 5, 0x61], /premature EOF/);
  refuses([0x0a, 2, 0xc3, 0x28], /invalid UTF-8/);
  refuses([0x00], /field no 0/);
  refuses([0x48, ...Array.from({ length: 11 }, () => 0xff)], /invalid varint/);
  refuses([0x33, 0x3c], /invalid end group/);
  refuses([0x37], /wire type 7/);
  refuses([0x1a, 4, 0x0a, 3, 0x61, 0x61, 0x61], /premature EOF/); // a string longer than the message that holds it
  let deep: Inner = create(InnerSchema);
  for (let depth = 0; depth < 100; depth++) deep = create(InnerSchema, { inner: deep });
  assert.throws(() => fromBinary(InnerSchema, toBinary(InnerSchema, deep)), /recursion depth/);
  refuses(
    Array.from({ length: 200 }, () => 0x33),
    /recursion depth/,
  );
});

test("A value that does not fit its type is refused by the field's name", () => {
  const refuses = (init: Record<string, unknown>, why: RegExp) =>
    assert.throws(() => toBinary(EverythingSchema, create(EverythingSchema, init)), why);
  refuses({ oneInt32: 2 ** 31 }, /t\.Everything\.one_int32: number is no int32: 2147483648/);
  refuses({ oneUint32: -1 }, /no uint32/);
  refuses({ oneInt64: 1 }, /no int64/);
  refuses({ oneUint64: -1n }, /no uint64/);
  refuses({ oneString: 1 }, /no string/);
  refuses({ oneString: "\ud800" }, /surrogate/);
  refuses({ oneBytes: "a" }, /no bytes/);
  refuses({ inner: { count: 0.5 } }, /cannot encode t\.Inner\.count: number is no int32/);
});

test("A clone shares nothing with its original", () => {
  const original = create(EverythingSchema, {
    inner: { name: "a" },
    manyBytes: [Buffer.from("a")],
    byNameInt32: { a: 1 },
  });
  const copy = clone(EverythingSchema, original);
  (copy["inner"] as Inner).name = "b";
  (copy["manyBytes"] as Uint8Array[])[0]?.fill(0);
  (copy["byNameInt32"] as Record<string, number>)["a"] = 2;
  assert.equal((original["inner"] as Inner).name, "a");
  assert.equal(String((original["manyBytes"] as Uint8Array[])[0]), "a");
  assert.deepEqual(original["byNameInt32"], { a: 1 });
});

test("A map's key may have any name", () => {
  const init = { innerByName: JSON.parse('{"__proto__": {"name": "a"}}') as Record<string, unknown> };
  const read = fromBinary(EverythingSchema, toBinary(EverythingSchema, create(EverythingSchema, init)));
  assert.deepEqual(Object.keys(read["innerByName"] as object), ["__proto__"]);
  assert.deepEqual(Object.keys(clone(EverythingSchema, read)["innerByName"] as object), ["__proto__"]);
});

test("Dates keep their milliseconds, also before 1970", () => {
  for (const ms of [0, 1, -1, 1_700_000_000_123, -1_500])
    assert.equal(timestampMs(timestampFromDate(new Date(ms))), ms);
});

/** Numbers from 0 to 1, always the same for a seed. */
function generator(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

function arbitrary(schema: DescMessage, next: () => number, depth: number): Record<string, unknown> {
  const init: Record<string, unknown> = {};
  const some = <T>(make: () => T): T[] => Array.from({ length: Math.floor(next() * 4) }, make);
  const one = (row: Field): unknown => {
    if (row.message) return arbitrary(row.message, next, depth + 1);
    return row.enum ? Math.floor(next() * 5) : arbitraryScalar(row.scalar ?? "bool", next);
  };
  for (const row of schema.fields) {
    if (next() < 0.5 || (row.message && depth > 4)) continue;
    if (row.oneof !== undefined) init[row.oneof] = { case: row.localName, value: one(row) };
    else if (row.kind === "one") init[row.localName] = one(row);
    else if (row.kind === "list") init[row.localName] = some(() => one(row));
    else {
      const key = row.key ?? "string";
      init[row.localName] = Object.fromEntries(some(() => [String(arbitraryScalar(key, next)), one(row)]));
    }
  }
  return init;
}

function arbitraryScalar(scalar: Scalar, next: () => number): unknown {
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;
  const random = Math.floor(next() * 2 ** 32);
  switch (scalar) {
    case "bool":
      return next() < 0.5;
    case "string":
      return pick(
        "",
        "a",
        "häß",
        "😀",
        "\ufeffx",
        "plain text that is longer than the short ones",
        "ü".repeat(100),
        "x".repeat(20_000),
      );
    case "bytes":
      return new Uint8Array(pick(0, 1, 127, 128, 300, 20_000)).fill(random & 0xff);
    case "double":
      return pick(0, -0, 1.5, -1e300, Number.POSITIVE_INFINITY, Number.NaN, next());
    case "int32":
      return pick(0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31), random | 0);
    case "uint32":
    case "fixed32":
      return pick(0, 1, 2 ** 31, 2 ** 32 - 1, random);
    case "int64":
      return pick(0n, 1n, -1n, 2n ** 32n, 2n ** 63n - 1n, -(2n ** 63n), BigInt(random) << 20n, -BigInt(random));
    case "uint64":
    case "fixed64":
      return pick(0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n - 1n, BigInt(random) << 30n);
  }
}

/** The same tables as protoc would describe them. */
function describe(messages: readonly DescMessage[]): FileDescriptorProto {
  const typeOf = (row: Field): { type: FieldDescriptorProto_Type; typeName?: string } => {
    if (row.message) return { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.${row.message.typeName}` };
    if (row.enum) return { type: FieldDescriptorProto_Type.ENUM, typeName: ".t.Color" };
    return { type: scalarType(row.scalar) };
  };
  const label = (row: Field) =>
    row.kind === "one" ? FieldDescriptorProto_Label.OPTIONAL : FieldDescriptorProto_Label.REPEATED;
  const entryOf = (row: Field) =>
    `${row.name.replaceAll(/(?:^|_)(.)/g, (_, first: string) => first.toUpperCase())}Entry`;
  return createTheirs(FileDescriptorProtoSchema, {
    name: "t.proto",
    package: "t",
    syntax: "proto3",
    enumType: [{ name: "Color", value: Object.entries(Color).map(([name, number]) => ({ name, number })) }],
    messageType: messages.map((schema) => {
      const optional = schema.fields.filter((row) => row.optional);
      const oneofs = [...new Set(schema.fields.flatMap(({ oneof }) => (oneof === undefined ? [] : [oneof])))];
      const declared = [...oneofs, ...optional.map(({ name }) => `_${name}`)];
      return {
        name: schema.typeName.slice(2),
        oneofDecl: declared.map((name) => ({ name })),
        nestedType: schema.fields
          .filter(({ kind }) => kind === "map")
          .map((row) => ({
            name: entryOf(row),
            options: { mapEntry: true },
            field: [
              { name: "key", number: 1, label: FieldDescriptorProto_Label.OPTIONAL, type: scalarType(row.key) },
              { name: "value", number: 2, label: FieldDescriptorProto_Label.OPTIONAL, ...typeOf(row) },
            ],
          })),
        field: schema.fields.map((row) => ({
          name: row.name,
          number: row.number,
          label: label(row),
          ...(row.kind === "map"
            ? { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.${schema.typeName}.${entryOf(row)}` }
            : typeOf(row)),
          ...(row.optional && { proto3Optional: true, oneofIndex: declared.indexOf(`_${row.name}`) }),
          ...(row.oneof !== undefined && { oneofIndex: declared.indexOf(row.oneof) }),
        })),
      };
    }),
  });
}

function scalarType(scalar: Scalar | undefined): FieldDescriptorProto_Type {
  return FieldDescriptorProto_Type[(scalar ?? "bool").toUpperCase() as keyof typeof FieldDescriptorProto_Type];
}

/** Only for the compiler: what the table describes is what comes out. */
const shape: MessageShape<typeof InnerSchema> = create(InnerSchema, { inner: { name: "x" } });
void shape;
