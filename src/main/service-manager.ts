import { messageOf } from "../base/errors/mod.ts";
import { log } from "../base/log/mod.ts";
import { sendDatagram } from "../base/sys/mod.ts";

/**
 * Tells the service manager (systemd, a unit with `Type=notify`) how far this process is; does nothing where none wants to know.
 * A manager that does not listen is no reason to stop.
 * @see https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 */
export function tellServiceManager(
  state: "READY=1" | "STOPPING=1",
  env: Readonly<Record<string, string | undefined>>,
): void {
  const socket = env["NOTIFY_SOCKET"];
  if (!socket) return;
  try {
    sendDatagram(socket, state);
  } catch (error) {
    log.warn(`the service manager at ${socket} could not be told ${state}: ${messageOf(error)}`);
  }
}
