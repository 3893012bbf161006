import { connect } from "node:net";

/**
 * Docker's CLI holds a socket open while its plugin should run, and closes it when it is told to end: not every signal that reaches
 * docker reaches us. Keeps nothing alive.
 * @param address `DOCKER_CLI_PLUGIN_SOCKET`; with `@` in front: a name that is no file
 */
export function watchDocker(address: string, onGone: () => void): void {
  const socket = connect({ path: address.replace(/^@/, "\0") });
  let connected = false;
  socket.on("connect", () => {
    connected = true;
  });
  socket.on("error", () => undefined); // an older docker, or one that is gone already: nothing to watch
  socket.on("close", () => {
    if (connected) onGone();
  });
  socket.resume();
  socket.unref();
}
