import type { Socket } from "node:net";
import { check, libc } from "./libc.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

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

/** Node keeps the descriptor in an inner object that has no public name. */
function descriptorOf(socket: Socket): number {
  const fd = (socket as unknown as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
  if (fd === undefined || fd < 0)
    throw Object.assign(new Error("EBADF: the socket is closed"), { code: "EBADF", errno: -9, syscall: "getsockopt" });
  return fd;
}
