/**
 * The system calls that Node has no function for, through Node's own foreign function interface: mounts, extended attributes, device nodes,
 * exact times, paths confined to a root, network namespaces and what is in them, credentials and descriptors from a socket's other end, datagrams, sizes
 * of terminals. The only place in the program that calls C.
 *
 * Everything is synchronous, works in worker threads, and throws errors of the shape that Node's own calls throw (`code`, `errno`, `syscall`).
 * Paths may be bytes, since names on disk need not be UTF-8.
 */
export type { Bytes } from "./libc.ts";
export { type SystemError, isSystemError } from "../errors/mod.ts";
export { llistxattr, lgetxattr, lsetxattr, lremovexattr, getxattrs } from "./xattr.ts";
export { mountFs, mountFlags, bindMount, mountTmpfs, unmount, unmountIfMounted, makePrivate } from "./mount.ts";
export { type OverlayOptions, mountOverlay } from "./overlay.ts";
export { mknod, lutimes, renameExchange, openInRoot, tryLock, O_PATH } from "./files.ts";
export { type PeerCredentials, peerCredentials, receiveDescriptor, sendDatagram } from "./socket.ts";
export { makeNetworkNamespace } from "./network-namespace.ts";
export { addAddress, addLink, networkLinks, type NetworkLink, removeLink, setLoopbackUp } from "./network-links.ts";
export { setNonBlocking, setWindowSize, type WindowSize } from "./terminal.ts";
export { selfTest } from "./self-test.ts";
