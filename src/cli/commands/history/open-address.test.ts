import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openAddress } from "./open-address.ts";

const directory = await mkdtemp(join(tmpdir(), "polyarch-open-"));
after(() => rm(directory, { recursive: true, force: true }));
const env = { PATH: directory };

test("an address is shown by the best program that is there, and its failure is told", async () => {
  await assert.rejects(openAddress("x://y", { env }), {
    message: 'exec: "xdg-open,x-www-browser,www-browser": executable file not found in $PATH',
  });
  const install = async (name: string, script: string) => {
    await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(directory, name), 0o755);
  };
  await install("www-browser", "exit 3");
  await assert.rejects(openAddress("x://y", { env }), { message: "exit status 3" });
  await install("xdg-open", `echo "$1" > ${directory}/opened`);
  await openAddress("x://y?a=b c", { env });
  assert.equal(await readFile(join(directory, "opened"), "utf8"), "x://y?a=b c\n");
});
