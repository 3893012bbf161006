import type { Duplex, Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { Call } from "./command.ts";

/** `dial-stdio`: this process is the connection. */
export async function dialStdio({ open, promptly }: Call): Promise<void> {
  await proxyStdio(await open({ signal: promptly }), { stdin: process.stdin, stdout: process.stdout });
}

/**
 * Joins a connection with standard input and output. The end of the input is passed on, and what still comes is waited for; the end
 * of the connection ends it all at once.
 */
async function proxyStdio(
  connection: Duplex,
  { stdin, stdout }: { readonly stdin: Readable; readonly stdout: Writable },
): Promise<void> {
  stdin.pipe(connection);
  connection.pipe(stdout, { end: false });
  await finished(connection, { writable: false });
  if (stdout.writableLength > 0) await new Promise((resolve) => stdout.write("", resolve)); // what came last must leave first
}
