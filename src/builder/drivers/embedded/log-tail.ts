import { open } from "node:fs/promises";

/** What was written to a log file behind `from`: at most the last `lines` lines of the last 16 KiB. Empty when there is none. */
export async function readLogTail(
  path: string,
  options: { readonly from: number; readonly lines: number },
): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const start = Math.max(options.from, size - 16 * 1024);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    const text = buffer.subarray(0, bytesRead).toString("utf8").trimEnd();
    return text.split("\n").slice(-options.lines).join("\n");
  } catch {
    return "";
  }
}
