import { writeFileSync } from "node:fs";
import { AsyncQueue } from "../../../base/async/mod.ts";
import { messageOf } from "../../../base/errors/mod.ts";
import type { Spawner } from "../../../base/process/mod.ts";
import { binfmtDirectory, type Emulator, registration } from "../../../binfmt/mod.ts";
import { registrationName } from "./machine.ts";

/** Every id is itself. The last one, 2^32 - 1, means "no id" to the kernel and cannot be mapped. */
const sameIds = "0 0 4294967295\n";

/**
 * Runs in the new namespaces: says so, waits for the ids, mounts a binfmt_misc of its own, and then registers and tries one interpreter per line
 * of input (`file name · test program · registration`), answering each. It holds the namespaces open by waiting for more.
 */
const script = `
echo ready
read -r _
mount -t binfmt_misc binfmt_misc ${binfmtDirectory} || exit 1
echo mounted
while read -r name probe entry; do
  [ ! -e "${binfmtDirectory}/$name" ] || echo -1 > "${binfmtDirectory}/$name"
  if printf %s "$entry" > ${binfmtDirectory}/register && "$probe"; then echo yes; else echo no; fi
done`;

/**
 * A user namespace with registrations of emulators that nobody else sees: containers that join it run foreign programs, while the machine itself is left
 * as it is. Since Linux 6.7 such a namespace may have its own. Ids in it are the machine's.
 */
export class EmulatorNamespace implements AsyncDisposable {
  /** Joined by containers, as long as this object is not disposed of. */
  readonly path: string;
  readonly #input: AsyncQueue<Uint8Array>;
  readonly #answers: () => Promise<string>;
  readonly #controller: AbortController;
  readonly #ended: Promise<unknown>;

  /** @throws when the kernel does not have this, with its words */
  static async open(spawner: Spawner): Promise<EmulatorNamespace> {
    const controller = new AbortController();
    const input = new AsyncQueue<Uint8Array>();
    const lines = new AsyncQueue<string>();
    let pid = 0;
    let errors = "";
    let rest = "";
    const args = ["--user", "--mount", "--propagation", "private", "/bin/sh", "-c", script];
    const ended = spawner
      .spawn("unshare", args, {
        stdin: input,
        signal: controller.signal,
        cwd: "/",
        onStarted: (started) => {
          pid = started;
        },
        onStdout: (chunk) => {
          const parts = (rest + Buffer.from(chunk).toString()).split("\n");
          rest = parts.pop() ?? "";
          for (const line of parts) lines.push(line);
        },
        onStderr: (chunk) => {
          errors = (errors + Buffer.from(chunk).toString()).slice(-2000);
        },
      })
      .then(
        () => lines.fail(new Error(errors.trim() || "the process that holds the namespace ended")),
        (error: unknown) => lines.fail(error),
      );
    const answers = lines[Symbol.asyncIterator]();
    const next = async () => (await answers.next()).value as string;
    try {
      await next(); // ready
      writeFileSync(`/proc/${pid}/uid_map`, sameIds);
      writeFileSync(`/proc/${pid}/gid_map`, sameIds);
      input.push(Buffer.from("go\n"));
      await next(); // mounted
    } catch (error) {
      controller.abort();
      await ended;
      throw new Error(`emulators cannot be registered in a namespace of their own here: ${messageOf(error)}`, {
        cause: error,
      });
    }
    return new EmulatorNamespace(pid, input, next, controller, ended);
  }

  private constructor(
    pid: number,
    input: AsyncQueue<Uint8Array>,
    answers: () => Promise<string>,
    controller: AbortController,
    ended: Promise<unknown>,
  ) {
    this.path = `/proc/${pid}/ns/user`;
    this.#input = input;
    this.#answers = answers;
    this.#controller = controller;
    this.#ended = ended;
  }

  /** Registers an emulator (again, when its file has changed) and runs `testProgram` with it. @returns whether that worked */
  async register(emulator: Emulator, testProgram: string): Promise<boolean> {
    const { architecture, path } = emulator;
    const name = registrationName(architecture);
    this.#input.push(Buffer.from(`${name} ${testProgram} ${registration(architecture, path, name)}\n`));
    return (await this.#answers()) === "yes";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.#ended;
  }
}
