import { TarError } from "./entry.ts";
import { pathFromBytes } from "./path-text.ts";

/** Records of an extended header: raw bytes by keyword, since values of xattrs are not text. */
export type PaxRecords = ReadonlyMap<string, Uint8Array>;

/** What the keyword of an xattr's record begins with. */
export const xattrPrefix = "SCHILY.xattr.";

/**
 * Reads `<length> <keyword>=<value>\n` records. Values may contain anything, newlines and NULs included. A later record of the same keyword wins.
 * @throws {TarError} when the lengths do not lead from record to record to the end
 */
export function decodePax(data: Uint8Array): PaxRecords {
  const records = new Map<string, Uint8Array>();
  for (let start = 0; start < data.length; ) {
    const space = data.indexOf(0x20, start);
    const digits = space < 0 ? "" : latin1(data.subarray(start, space));
    const length = /^[0-9]{1,10}$/.test(digits) ? Number(digits) : 0;
    const end = start + length;
    const equals = data.indexOf(0x3d, space);
    if (length < 5 || end > data.length || data[end - 1] !== 0x0a || equals < 0 || equals >= end || equals <= space) {
      throw new TarError("invalid tar header: malformed PAX record");
    }
    records.set(pathFromBytes(data.subarray(space + 1, equals)), data.subarray(equals + 1, end - 1));
    start = end;
  }
  return records;
}

/** Writes records in the order given. */
export function encodePax(records: Iterable<readonly [keyword: string, value: Uint8Array | string]>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [keyword, value] of records) {
    const body = [
      Buffer.from(` ${keyword}=`),
      typeof value === "string" ? Buffer.from(value) : value,
      newline,
    ] as const;
    const rest = body[0].length + body[1].length + 1;
    // The length counts its own digits.
    let length = rest + String(rest).length;
    length = rest + String(length).length;
    parts.push(Buffer.from(String(length)), ...body);
  }
  return Buffer.concat(parts);
}

/** A time as PAX writes it (`-1.5`) in whole seconds, rounded down, and nanoseconds. */
export function parsePaxTime(text: string): { readonly sec: number; readonly nsec: number } {
  const [, minus, whole = "", fraction = ""] = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text) ?? [];
  if (whole === "") throw new TarError(`invalid tar header: malformed time ${JSON.stringify(text)}`);
  const sec = Number(whole);
  const nsec = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (minus !== "-") return { sec, nsec };
  return nsec === 0 ? { sec: 0 - sec, nsec: 0 } : { sec: -sec - 1, nsec: 1e9 - nsec };
}

/** The inverse of {@link parsePaxTime}, without superfluous zeros. */
export function formatPaxTime(sec: number, nsec: number): string {
  if (nsec === 0) return String(sec);
  const [whole, fraction, sign] = sec < 0 ? [-sec - 1, 1e9 - nsec, "-"] : [sec, nsec, ""];
  return `${sign}${whole}.${String(fraction).padStart(9, "0").replace(/0+$/, "")}`;
}

/** A non-negative whole number. */
export function parsePaxNumber(text: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new TarError(`invalid tar header: malformed number ${JSON.stringify(text)}`);
  return value;
}

const newline = Buffer.from("\n");

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
