import assert from "node:assert/strict";
import { createConnection, type NetConnectOpts } from "node:net";
import { test } from "node:test";
import { connectErrorText } from "./mod.ts";

const failureOf = (to: NetConnectOpts) =>
  new Promise<unknown>((resolve) => createConnection(to).once("error", resolve));

test("connectErrorText() words what keeps a connection from being made as Go's programs do", async () => {
  assert.equal(connectErrorText(await failureOf({ path: "/none.sock" })), "connect: no such file or directory");
  assert.equal(connectErrorText(await failureOf({ host: "127.0.0.1", port: 1 })), "connect: connection refused");
  const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND vm"), { code: "ENOTFOUND", hostname: "vm" });
  assert.equal(connectErrorText(unknown), "lookup vm: no such host");
  assert.equal(connectErrorText(new AggregateError([new Error("first"), unknown])), "lookup vm: no such host");
  assert.equal(connectErrorText(new Error("socket hang up")), "socket hang up");
});
