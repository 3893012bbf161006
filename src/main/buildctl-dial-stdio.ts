import type { Duplex, Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";

/**
 * Joins a connection with standard input and output. The end of the input is passed on, and what still comes is waited for; the end
 * of the connection ends it all at once.
 */
export async function proxyStdio(
  connection: Duplex,
  { stdin, stdout }: { readonly stdin: Readable; readonly stdout: Writable },
): Promise<void> {
  stdin.pipe(connection);
  connection.pipe(stdout, { end: false });
  await finished(connection, { writable: false });
  if (stdout.writableLength > 0) await new Promise((resolve) => stdout.write("", resolve)); // what came last must leave first
}
