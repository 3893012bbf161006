import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { BuildError } from "../../../base/errors/mod.ts";
import { parseRecordFilters } from "./filter.ts";
import { bytesToKeep, removalOrder } from "./plan.ts";
import type { UsageRecord } from "./record.ts";
import { defaultPolicy, pruneRule } from "./rule.ts";

const record = (changes: Partial<UsageRecord> = {}): UsageRecord => ({
  id: "abc",
  parents: ["p1", "p2"],
  type: "regular",
  description: 'RUN echo "a, b"',
  bytes: 100,
  createdAt: new Date(0),
  usedAt: new Date(1000),
  uses: 1,
  isInUse: false,
  isShared: false,
  isMutable: false,
  ...changes,
});

suite("parseRecordFilters()", () => {
  const cases: readonly [readonly string[], Partial<UsageRecord>, boolean][] = [
    [[], {}, true],
    [[""], {}, true],
    [["id==abc"], {}, true],
    [["id==ab"], {}, false],
    [["id~=^ab"], {}, true],
    [["id!=abc"], {}, false],
    [["id != abd , type == regular"], {}, true],
    [["type==regular,mutable"], {}, false],
    [["type==source.local", "type==regular"], {}, true],
    [["type==source.local"], { type: "source.local" }, true],
    [["parents==p1;p2"], {}, true],
    [["parents~=p2"], {}, true],
    [["parents"], { parents: [] }, false],
    [['description=="RUN echo \\"a, b\\""'], {}, true],
    [["description~=/echo .a/"], {}, true],
    [["description~=|^RUN|"], {}, true],
    [["description~=(?i)run"], {}, true],
    [["inuse"], {}, false],
    [["inuse"], { isInUse: true }, true],
    [["inuse==false"], {}, true],
    [["inuse!=true"], { isInUse: true }, false],
    [["mutable==true"], { isMutable: true }, true],
    [["immutable"], {}, true],
    [["shared"], {}, false],
    [["private"], {}, true],
    [["shared,private"], {}, false],
    [["unheardof"], {}, false],
    [["unheardof!=x"], {}, true],
    [["constructor"], {}, false],
  ];
  for (const [filters, changes, want] of cases) {
    test(`${JSON.stringify(filters)} ${want ? "matches" : "does not match"} ${JSON.stringify(changes)}`, () => {
      assert.equal(parseRecordFilters(filters)(record(changes)), want);
    });
  }
  for (const bad of ["==x", "id==", "id=x", "id~=(", "id==a,", "a b", 'id=="x', ",", "id==a;;,=="]) {
    test(`${JSON.stringify(bad)} is refused`, () => {
      const isRefusal = (error: unknown) => error instanceof BuildError && error.code === "invalid_argument";
      assert.throws(() => parseRecordFilters([bad]), isRefusal);
    });
  }
});

suite("bytesToKeep()", () => {
  const disk = { usedBytes: 100, freeBytes: 50 };
  const cases: readonly [Parameters<typeof pruneRule>[0], number | undefined, string][] = [
    [{}, undefined, "no bound: everything goes"],
    [{ maxUsedBytes: 70 }, 70, "a maximum"],
    [{ reservedBytes: 30 }, 30, "nothing but a reserve"],
    [{ maxUsedBytes: 10, reservedBytes: 30 }, 30, "never below the reserve"],
    [{ minFreeBytes: 60 }, 90, "what the disk lacks"],
    [{ minFreeBytes: 500 }, 0, "a disk that lacks more than there is"],
    [{ minFreeBytes: 40 }, Number.POSITIVE_INFINITY, "a disk that lacks nothing"],
    [{ minFreeBytes: 60, maxUsedBytes: 95 }, 90, "the stricter of two, one way"],
    [{ minFreeBytes: 60, maxUsedBytes: 80 }, 80, "the stricter of two, the other way"],
    [{ minFreeBytes: 60, reservedBytes: 95 }, 95, "a reserve above what the disk lacks"],
    [{ minFreeBytes: 40, reservedBytes: 10 }, Number.POSITIVE_INFINITY, "a reserve where the disk lacks nothing"],
  ];
  for (const [rule, want, name] of cases)
    test(`${name}: ${String(want)}`, () => assert.equal(bytesToKeep(pruneRule(rule), disk), want));
});

suite("removalOrder()", () => {
  const now = new Date(10_000);
  const ids = (records: readonly UsageRecord[], rule: Parameters<typeof pruneRule>[0] = {}) =>
    removalOrder(
      records.map((of) => ({ record: of })),
      pruneRule(rule),
      now,
    ).map(({ record: { id } }) => id);

  test("puts first what was used long ago and seldom", () => {
    const records = [
      record({ id: "often and lately", usedAt: new Date(9000), uses: 9 }),
      record({ id: "once, lately", usedAt: new Date(9000), uses: 1 }),
      record({ id: "once, long ago", usedAt: new Date(1000), uses: 1 }),
      record({ id: "never", usedAt: undefined, uses: 0 }),
    ];
    assert.deepEqual(ids(records), ["never", "once, long ago", "once, lately", "often and lately"]);
  });

  test("leaves out what is in use, what was used lately, and unless all is asked for, what is internal or shared", () => {
    const records = [
      record({ id: "in use", isInUse: true }),
      record({ id: "lately", usedAt: new Date(9500) }),
      record({ id: "internal", type: "internal" }),
      record({ id: "frontend", type: "frontend" }),
      record({ id: "shared", isShared: true }),
      record({ id: "plain" }),
    ];
    assert.deepEqual(ids(records, { keepDurationMs: 1000 }), ["plain"]);
    const all = ids(records, { all: true });
    assert.deepEqual(new Set(all), new Set(["lately", "internal", "frontend", "shared", "plain"]));
    assert.deepEqual(ids(records, { filters: ["type==internal"] }), []);
    assert.deepEqual(ids(records, { all: true, filters: ["type==internal"] }), ["internal"]);
  });
});

suite("defaultPolicy()", () => {
  test("is BuildKit's: shares of the disk, with bounds", () => {
    const [cheap, old, rest, all] = defaultPolicy(50 * 2 ** 30);
    assert.deepEqual(cheap, {
      all: false,
      filters: ["type==source.local", "type==exec.cachemount", "type==source.git.checkout"],
      keepDurationMs: 172_800_000,
      reservedBytes: 0,
      maxUsedBytes: 512e6,
      minFreeBytes: 0,
    });
    const bounds = { filters: [], reservedBytes: 6e9, maxUsedBytes: 41e9, minFreeBytes: 11e9 };
    assert.deepEqual(old, { ...bounds, all: false, keepDurationMs: 1440 * 3_600_000 });
    assert.deepEqual(rest, { ...bounds, all: false, keepDurationMs: 0 });
    assert.deepEqual(all, { ...bounds, all: true, keepDurationMs: 0 });
  });

  test("bounds the shares of a large disk, and guesses for one of unknown size", () => {
    const [, large] = defaultPolicy(4e12);
    assert.deepEqual([large?.reservedBytes, large?.maxUsedBytes, large?.minFreeBytes], [10e9, 100e9, 746e9]);
    const [, unknown] = defaultPolicy(0);
    assert.deepEqual([unknown?.reservedBytes, unknown?.maxUsedBytes, unknown?.minFreeBytes], [2e9, 2e9, 2e9]);
  });
});
