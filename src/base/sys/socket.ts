import { getRawPointer } from "node:ffi";
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import { check, libc, syscall, syscallNumber } from "./libc.ts";
import { isSystemError } from "../errors/mod.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** Who is at the other end of a unix socket, as it was when the connection was made. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who is at the other end of a unix socket: a descriptor, or Node's own object around it. */
export function peerCredentials(socket: number | Socket): PeerCredentials {
  const credentials = new Uint32Array(3);
  const length = new Uint8Array(new Uint32Array([credentials.byteLength]).buffer);
  const fd = typeof socket === "number" ? socket : descriptorOf(socket);
  check(libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, new Uint8Array(credentials.buffer), length), "getsockopt");
  const [pid = 0, uid = 0, gid = 0] = credentials;
  return { pid, uid, gid };
}

/**
 * The descriptor that the other end of a unix socket sends along with its next message, whose bytes are thrown away. Nobody else may read the
 * socket meanwhile: open it paused.
 * @returns a descriptor that the caller closes; `undefined` when no message has arrived yet
 * @throws {Error} when a message brings none, or the other end has closed
 */
export function receiveDescriptor(socket: number | Socket): number | undefined {
  const fd = typeof socket === "number" ? socket : descriptorOf(socket);
  // One allocation, so that whoever holds its address holds all of it: struct msghdr (7 words), struct iovec (2), struct cmsghdr with one
  // descriptor (3), and room for the message.
  const words = new BigUint64Array(7 + 2 + 3 + 8);
  const at = (word: number) => getRawPointer(words.buffer) + BigInt(8 * word);
  words.set([0n, 0n, at(7), 1n, at(9), 3n * 8n, 0n, at(12), 8n * 8n]);
  try {
    const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
    const size = check(syscall(syscallNumber.recvmsg, fd, new Uint8Array(words.buffer), flags), "recvmsg");
    if (size === 0) throw new Error("the other end of the socket has closed");
    const [level, type, descriptor] = new Int32Array(words.buffer, 8 * 10);
    if (words[5] === 0n || level !== SOL_SOCKET || type !== SCM_RIGHTS || descriptor === undefined) {
      throw new Error("a message came without a descriptor");
    }
    return descriptor;
  } catch (error) {
    if (isSystemError(error, "EAGAIN")) return undefined;
    throw error;
  }
}

/**
 * Sends one message to a unix socket of datagrams, which Node has no way to. `@NAME` is an abstract address.
 * @throws {Error} when nobody takes it now
 */
export function sendDatagram(path: string, message: string): void {
  const isAbstract = path.startsWith("@");
  const name = isAbstract ? Buffer.from(`\0${path.slice(1)}`) : Buffer.from(`${path}\0`);
  const address = Buffer.concat([new Uint8Array(new Uint16Array([AF_UNIX]).buffer), name]);
  const bytes = Buffer.from(message);
  const fd = check(syscall(syscallNumber.socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  try {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    check(
      syscall(syscallNumber.sendto, fd, bytes, bytes.byteLength, flags, address, address.byteLength),
      "sendto",
      path,
    );
  } finally {
    closeSync(fd);
  }
}

/** Node keeps the descriptor in an inner object that has no public name. */
function descriptorOf(socket: Socket): number {
  const fd = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0)
    throw Object.assign(new Error("EBADF: the socket is closed"), { code: "EBADF", errno: -9, syscall: "getsockopt" });
  return fd;
}
