import { check, syscall, syscallNumber } from "./libc.ts";

const TIOCSWINSZ = 0x5414;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const O_RDWR = 2;

/** How many characters fit on a terminal. */
export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** Tells a terminal (either end of it) its size; whatever runs in it gets SIGWINCH when that is new. */
export function setWindowSize(fd: number, { rows, columns }: WindowSize): void {
  const size = new Uint16Array([rows, columns, 0, 0]);
  check(syscall(syscallNumber.ioctl, fd, TIOCSWINSZ, new Uint8Array(size.buffer)), "ioctl");
}

/** Makes writing to an end of a terminal fail with `EAGAIN` rather than stop the thread while nobody reads what was typed. */
export function setNonBlocking(fd: number): void {
  check(syscall(syscallNumber.fcntl, fd, F_SETFL, O_RDWR | O_NONBLOCK), "fcntl");
}
