import { closeSync, readSync } from "node:fs";
import { AT_FDCWD, type Bytes, check, cString, errno, syscall, syscallNumber } from "./libc.ts";
import { systemError } from "../errors/mod.ts";

const FSOPEN_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;
const MOUNT_ATTR_RDONLY = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const AT_RECURSIVE = 0x8000;

/**
 * A file system being put together with the mount API of Linux 5.2: options go in one by one, in any number, where mount(2) takes one string
 * that it cuts at a page. Dispose of it whether it was mounted or not.
 */
export class FilesystemContext implements Disposable {
  readonly #fd: number;
  constructor(type: string) {
    this.#fd = check(syscall(syscallNumber.fsopen, cString(type), FSOPEN_CLOEXEC), "fsopen", type);
  }
  set(key: string, value: Bytes): void {
    this.#check(
      syscall(syscallNumber.fsconfig, this.#fd, FSCONFIG_SET_STRING, cString(key), cString(value), 0),
      "fsconfig",
      value,
    );
  }
  flag(key: string): void {
    this.#check(syscall(syscallNumber.fsconfig, this.#fd, FSCONFIG_SET_FLAG, cString(key), null, 0), "fsconfig", key);
  }
  /** Makes the file system and mounts it at `target`. */
  mount(target: Bytes, options: { readonly?: boolean } = {}): void {
    this.#check(syscall(syscallNumber.fsconfig, this.#fd, FSCONFIG_CMD_CREATE, null, null, 0), "fsconfig", target);
    const attributes = options.readonly ? MOUNT_ATTR_RDONLY : 0;
    const mount = this.#check(syscall(syscallNumber.fsmount, this.#fd, FSMOUNT_CLOEXEC, attributes), "fsmount", target);
    try {
      const moved = syscall(
        syscallNumber.moveMount,
        mount,
        cString(""),
        AT_FDCWD,
        cString(target),
        MOVE_MOUNT_F_EMPTY_PATH,
      );
      check(moved, "move_mount", target);
    } finally {
      closeSync(mount);
    }
  }
  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
  #check(result: bigint, name: string, at: Bytes): number {
    if (result !== -1n) return Number(result);
    const failed = errno();
    throw systemError(failed, name, at, undefined, this.#explanation());
  }
  /** What the kernel says about the last failure, one message per read, for instance `e overlay: no upperdir`. */
  #explanation(): string {
    const messages: string[] = [];
    const buffer = Buffer.alloc(1024);
    try {
      for (let size = readSync(this.#fd, buffer); size > 0; size = readSync(this.#fd, buffer)) {
        messages.push(
          buffer
            .toString("utf8", 0, size)
            .trim()
            .replace(/^[ewi] /, ""),
        );
      }
    } catch {
      // ENODATA: that was all.
    }
    return messages.join("; ");
  }
}

/** Makes what is mounted at `target` read-only (with everything below when `recursive`), for this mount alone. Linux 5.12. */
export function setMountReadonly(target: Bytes, options: { recursive: boolean }): void {
  const attributes = new BigUint64Array([BigInt(MOUNT_ATTR_RDONLY), 0n, 0n, 0n]);
  const size = attributes.byteLength;
  const flags = options.recursive ? AT_RECURSIVE : 0;
  const bytes = new Uint8Array(attributes.buffer);
  check(syscall(syscallNumber.mountSetattr, AT_FDCWD, cString(target), flags, bytes, size), "mount_setattr", target);
}
