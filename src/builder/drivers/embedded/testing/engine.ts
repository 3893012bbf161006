/**
 * A program with the engine's command line that answers Info, for tests of starting it. What it does besides is said by its environment:
 * `TEST_ENGINE=fail` says why and exits, `TEST_ENGINE=mute` never listens.
 */
import { appendFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { control } from "../../../../api/mod.ts";
import { createRpcServer, service } from "../../../../rpc/mod.ts";

const { values } = parseArgs({
  options: { addr: { type: "string" }, root: { type: "string" }, "idle-timeout": { type: "string" } },
});
const socket = (values.addr ?? "").replace("unix://", "");
appendFileSync(`${values.root}/starts`, `${process.pid} ${values["idle-timeout"]}\n`);
if (process.env.TEST_ENGINE === "fail") {
  console.error("cannot mount: permission denied");
  process.exit(3);
}
if (process.env.TEST_ENGINE === "mute") {
  setInterval(() => undefined, 1000);
} else {
  await mkdir(dirname(socket), { recursive: true });
  const rpc = createRpcServer({
    services: [service(control.Control, { info: () => ({ buildkitVersion: { version: "test" } }) })],
  });
  const listener = createServer().listen(socket);
  rpc.serve(listener);
}
