import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, suite, test } from "node:test";
import { BuildError, messageOf } from "../../base/errors/mod.ts";
import { explainFullDisk, fullDiskNow } from "./full-disk.ts";
import { Reserve } from "./reserve.ts";

const isRoot = process.getuid?.() === 0;

suite("a full disk", { skip: isRoot ? false : "needs root, for a small disk" }, () => {
  const disk = mkdtempSync(join(tmpdir(), "full-disk-"));
  if (isRoot) execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]);
  after(() => {
    execFileSync("umount", ["--lazy", disk]);
    rmSync(disk, { recursive: true });
  });
  const fill = () => {
    try {
      for (;;) writeFileSync(join(disk, "fill"), Buffer.alloc(4096), { flag: "a" });
    } catch (error) {
      return error;
    }
  };

  test("is told of by path, room and remedy, whoever has met it", async () => {
    const database = new DatabaseSync(join(disk, "x.db"));
    database.exec("CREATE TABLE t (a TEXT)");
    assert.equal(await fullDiskNow(disk), undefined);
    const error = fill();
    const hint = `the state directory ${disk} has 0B free of 8.4MB: make room, for instance with \`polyarch prune --all\`, or give the engine a larger disk`;
    const wrapped = new BuildError("unknown", "cannot copy", { cause: new AggregateError([error]) });
    for (const [met, says] of [
      [error, "write: no space left on device"],
      [wrapped, "cannot copy: no space left on device"],
    ] as const) {
      const told = await explainFullDisk(met, disk);
      assert.ok(told instanceof BuildError);
      assert.equal(told.code, "resource_exhausted");
      assert.equal(messageOf(told), `${says}: ${hint}`);
    }
    assert.equal(await fullDiskNow(disk), `no space left on device: ${hint}`);
    let fromSqlite: unknown;
    try {
      for (;;) database.exec(`INSERT INTO t VALUES ('${"x".repeat(5000)}')`);
    } catch (thrown) {
      fromSqlite = thrown;
    }
    assert.equal(
      messageOf(await explainFullDisk(fromSqlite, disk)),
      `database or disk is full: no space left on device: ${hint}`,
    );
    const other = new Error("no space in this sentence");
    assert.equal(await explainFullDisk(other, disk), other);
    database.close();
    truncateSync(join(disk, "fill"));
  });

  test("has a reserve, which is lent and taken back", async () => {
    const directory = join(disk, "state");
    mkdirSync(directory);
    const reserve = new Reserve(directory);
    const file = join(directory, "reserve");
    await reserve.lend()[Symbol.asyncDispose]();
    assert.equal(statSync(file).size, 1024 * 1024);
    fill();
    {
      await using _room = reserve.lend();
      assert.equal(existsSync(file), false);
      writeFileSync(join(directory, "needed"), Buffer.alloc(64 * 1024));
    }
    assert.ok(statSync(file).size > 512 * 1024, "what was not needed is kept from others");
    fill();
    await using _again = reserve.lend();
    writeFileSync(join(directory, "needed-again"), Buffer.alloc(64 * 1024));
  });
});
