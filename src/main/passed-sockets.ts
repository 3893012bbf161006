/** A socket that whoever started this process has opened for it. */
export interface PassedSocket {
  readonly fd: number;
  readonly name: string | undefined;
}

/** The first descriptor that is passed: those of standard input and output come before. */
const firstDescriptor = 3;

/**
 * The sockets that systemd passes to a service, see sd_listen_fds(3).
 * @param pid of this process: variables that are meant for another one are not for us
 */
export function passedSockets(env: Readonly<Record<string, string | undefined>>, pid: number): readonly PassedSocket[] {
  const count = Number(env["LISTEN_FDS"] ?? 0);
  if (Number(env["LISTEN_PID"]) !== pid || !Number.isSafeInteger(count) || count < 1) return [];
  const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
  return Array.from({ length: count }, (_, at) => ({ fd: firstDescriptor + at, name: names[at] || undefined }));
}
