import assert from "node:assert/strict";
import { test } from "node:test";
import { control } from "../../api/mod.ts";
import { create } from "../../base/protobuf/mod.ts";
import { goMessage } from "./go-message.ts";
import { columns, renderer } from "./render.ts";
import { sizeText } from "./sizes.ts";
import { usageHeader, usageRow, usageText, usageValue } from "./usage.ts";

const record = create(control.UsageRecordSchema, {
  ID: "da31je0nknbzvvtlmubny4tjc",
  Mutable: true,
  Size: 4096n,
  CreatedAt: { seconds: 1_795_256_966n, nanos: 910_856_865 },
  UsageCount: 1n,
  Description: "local source for context",
  RecordType: "source.local",
});

test("sizes are written as BuildKit's command writes them", () => {
  for (const [bytes, two, all] of [
    [0n, "0B", "0B"],
    [999n, "999B", "999B"],
    [1234n, "1.23kB", "1.234kB"],
    [512_000_000n, "512.00MB", "512MB"],
    [51_000_000_000n, "51.00GB", "51GB"],
  ] as const) {
    assert.deepEqual([sizeText(bytes, 2), sizeText(bytes)], [two, all]);
  }
});

test("a record is a row, a block of lines, and a value, all as BuildKit's command has them", () => {
  assert.equal(
    columns(usageHeader + usageRow(record)),
    `ID${"\t".repeat(9)}RECLAIMABLE\tSIZE\tLAST ACCESSED\n${`${record.ID}*`.padEnd(71)}\ttrue       \t4.10kB\t\n`,
  );
  assert.equal(
    usageText(record),
    `ID:\t\tda31je0nknbzvvtlmubny4tjc
Created at:\t2026-11-21 10:29:26.910856865 +0000 UTC
Mutable:\ttrue
Reclaimable:\ttrue
Shared:\t\tfalse
Size:\t\t4.10kB
Description:\tlocal source for context
Usage count:\t1
Type:\t\tsource.local

`,
  );
  assert.equal(
    renderer("{{json .}}")([usageValue(record)]),
    `[{"id":"da31je0nknbzvvtlmubny4tjc","mutable":true,"inUse":false,"size":4096,"createdAt":"2026-11-21T10:29:26.910856865Z","lastUsedAt":null,"usageCount":1,"parents":null,"description":"local source for context","recordType":"source.local","shared":false}]\n`,
  );
  assert.equal(renderer("{{.ID}} {{.Size}}")(usageValue(record)), "da31je0nknbzvvtlmubny4tjc 4096\n");
});

test("an event of the history has Go's names in templates, and the .proto file's in JSON", () => {
  const event = create(control.BuildHistoryEventSchema, {
    type: control.BuildHistoryEventType.COMPLETE,
    record: {
      Ref: "r",
      CreatedAt: { seconds: 5n, nanos: 7 },
      Exporters: [{ Type: "local" }],
      FrontendAttrs: { b: "<2>", a: "1" },
      numTotalSteps: 3,
    },
  });
  const value = goMessage(control.BuildHistoryEventSchema, event);
  assert.equal(renderer("{{.Type}} {{.Record.Ref}} {{.Record.NumTotalSteps}}")(value), "COMPLETE r 3\n");
  assert.equal(
    renderer("{{json .}}")(value),
    `{"type":1,"record":{"Ref":"r","FrontendAttrs":{"a":"1","b":"\\u003c2\\u003e"},"Exporters":[{"Type":"local"}],"CreatedAt":{"seconds":5,"nanos":7},"numTotalSteps":3}}\n`,
  );
});
