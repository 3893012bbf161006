import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { create } from "../../../../base/protobuf/mod.ts";
import { type gateway, pb } from "../../../../api/mod.ts";
import { BuildError } from "../../../../base/errors/mod.ts";
import { decodePlatform } from "../../../../llb/mod.ts";
import type { ExitStatus, ProcessIO, RunningProcess } from "../../../executor/mod.ts";
import { planProcess } from "../../../ops/mod.ts";
import { ContainerMounts, type MountOptions, secretOf } from "./container-mounts.ts";

/** A container that a client has asked for: its mounts now, its processes as they come. The first one is its main process, whose end is the end of all. */
export class GatewayContainer implements AsyncDisposable {
  readonly mounts: ContainerMounts;
  readonly #request: gateway.NewContainerRequest;
  readonly #options: MountOptions;
  readonly #ending = new AbortController();
  readonly #processes = new Set<Promise<unknown>>();
  /** The main process, from the moment that it is asked for. */
  #main: PromiseWithResolvers<RunningProcess> | undefined;

  /** @throws {BuildError} when the request makes no sense */
  static async open(request: gateway.NewContainerRequest, options: MountOptions): Promise<GatewayContainer> {
    for (const { IP } of request.extraHosts) {
      if (!isIP(IP)) throw new BuildError("invalid_argument", `failed to parse IP ${IP}`);
    }
    return new GatewayContainer(request, options, await ContainerMounts.open(request, options));
  }

  private constructor(request: gateway.NewContainerRequest, options: MountOptions, mounts: ContainerMounts) {
    this.#request = request;
    this.#options = options;
    this.mounts = mounts;
  }

  /** Runs a process to its end, which is also the container's if it is the first one. */
  async run(init: gateway.InitMessage, io: ProcessIO, options: { signal: AbortSignal }): Promise<ExitStatus> {
    const { rootfs } = this.mounts;
    if (rootfs === undefined) {
      const why = "nothing is mounted at /, so its files can be looked at, but nothing can run";
      throw new BuildError("invalid_argument", `container ${this.#request.ContainerID} has no rootfs: ${why}`);
    }
    const signal = AbortSignal.any([options.signal, this.#ending.signal]);
    const running = this.#main ? this.#join(init, io, signal) : this.#begin(rootfs, init, io, signal);
    this.#processes.add(running);
    try {
      return await running;
    } finally {
      this.#processes.delete(running);
    }
  }

  /** Kills what runs and takes the mounts away. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new BuildError("canceled", `container ${this.#request.ContainerID} was released`));
    await Promise.allSettled(this.#processes);
    await this.mounts[Symbol.asyncDispose]();
  }

  async #begin(rootfs: string, init: gateway.InitMessage, io: ProcessIO, signal: AbortSignal): Promise<ExitStatus> {
    const main = Promise.withResolvers<RunningProcess>();
    main.promise.catch(() => undefined); // told to whoever joins
    this.#main = main;
    const onStarted = (process: RunningProcess) => {
      main.resolve(process);
      io.onStarted?.(process);
    };
    try {
      const { readonlyRootfs, others: mounts } = this.mounts;
      const id = randomBytes(16).toString("hex");
      const spec = { ...(await this.#plan(init, signal)), id, rootfs, readonlyRootfs, mounts };
      return await this.#options.build.deps.worker.executor.run(spec, { ...io, onStarted }, { signal });
    } finally {
      const ended = new BuildError(
        "failed_precondition",
        `the main process of container ${this.#request.ContainerID} has ended`,
      );
      main.reject(ended);
      this.#ending.abort(ended);
    }
  }

  async #join(init: gateway.InitMessage, io: ProcessIO, signal: AbortSignal): Promise<ExitStatus> {
    signal.throwIfAborted();
    const plan = await this.#plan(init, signal);
    const main = await this.#main?.promise;
    if (!main) throw new Error("Internal error: a process joins a container that has none");
    return await main.exec(plan, io, { signal });
  }

  async #plan(init: gateway.InitMessage, signal: AbortSignal) {
    const { build } = this.#options;
    const { platform, extraHosts, hostname, Network } = this.#request;
    if (!init.Meta) throw new BuildError("invalid_argument", "init message has no meta");
    const op = create(pb.ExecOpSchema, {
      meta: { ...init.Meta, extraHosts, hostname: init.Meta.hostname || hostname },
      network: Network,
      security: init.Security,
    });
    const wanted = platform ? decodePlatform(platform) : build.deps.worker.ops.platform;
    const plan = planProcess(op, wanted, build.environment);
    const secrets: string[] = [];
    for (const { ID, name, optional } of init.secretenv) {
      if (ID === "") {
        throw new BuildError("invalid_argument", `secret ID missing for ${JSON.stringify(name)} environment variable`);
      }
      const data = await secretOf(build, { id: ID, optional }, signal);
      secrets.push(`${name}=${data ? new TextDecoder().decode(data) : ""}`);
    }
    const isKnown = plan.env.some((variable) => variable.startsWith("TERM="));
    const terminal = init.Tty && !isKnown ? ["TERM=xterm"] : [];
    return { ...plan, env: [...plan.env, ...terminal, ...secrets] };
  }
}
