import { BuildError } from "../base/errors/mod.ts";

/** Tag of field 1, length-delimited: all that a `BytesMessage` has. */
const dataTag = 0x0a;

/**
 * Encodes a `BytesMessage` (any of the four: all have `data` = 1) around `chunks` as if they were one. Written by hand because everything that a
 * session carries passes through here.
 */
export function encodeBytesMessage(chunks: readonly Uint8Array[]): Uint8Array {
  const length = chunks.reduce((total, chunk) => total + chunk.byteLength, 0);
  if (length === 0) return new Uint8Array();
  const header = [dataTag];
  for (let rest = length; ; rest >>>= 7) {
    if (rest < 0x80) {
      header.push(rest);
      break;
    }
    header.push((rest & 0x7f) | 0x80);
  }
  const message = Buffer.allocUnsafe(header.length + length);
  message.set(header);
  let at = header.length;
  for (const chunk of chunks) {
    message.set(chunk, at);
    at += chunk.byteLength;
  }
  return message;
}

/**
 * The data of an encoded `BytesMessage`, not copied. Of repeated fields the last counts and unknown ones are skipped, as protobuf wants.
 * @throws {BuildError} `internal` when the bytes are no such message
 */
export function decodeBytesMessage(message: Uint8Array): Uint8Array {
  let data: Uint8Array = new Uint8Array();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw malformed();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed();
  };
  const skip = (bytes: number): number => {
    const start = at;
    at += bytes;
    if (at > message.byteLength) throw malformed();
    return start;
  };
  while (at < message.byteLength) {
    const tag = varint();
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1:
        skip(8);
        break;
      case 2: {
        const length = varint();
        const start = skip(length);
        if (tag === dataTag) data = message.subarray(start, at);
        break;
      }
      case 5:
        skip(4);
        break;
      default:
        throw malformed();
    }
  }
  return data;
}

function malformed(): BuildError {
  return new BuildError("internal", "grpc: error unmarshalling BytesMessage: malformed protobuf");
}
