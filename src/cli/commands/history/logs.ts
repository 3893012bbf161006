import { timestampMs } from "../../../base/protobuf/mod.ts";
import type { StatusResponse } from "../../../client/mod.ts";
import { findBuild } from "../../../history/mod.ts";
import { chooseMode, openDisplay, statusFromWire } from "../../../progress/mod.ts";
import type { Invocation } from "../../command.ts";
import type { historyLogsFlags } from "../history.ts";
import { openPlace } from "./place.ts";

/** Runs `history logs [REF]`: shows an ended build's progress again; one under way is followed to its end. */
export async function runLogs(invocation: Invocation<typeof historyLogsFlags>): Promise<number> {
  const { context, flags, args, globals } = invocation;
  const { signal, stderr, env, now } = context;
  if (!["plain", "rawjson", "tty"].includes(flags.progress)) {
    throw new Error(`invalid progress mode ${flags.progress}: want plain, rawjson or tty`);
  }
  const mode = chooseMode(flags.progress, { env, isTty: stderr.isTTY === true });
  await using place = await openPlace(invocation);
  const build = await findBuild(place, args[0] ?? "", { signal });
  // An old build's clock stands where its news stand.
  let clock = build.completed ? build.created : undefined;
  const display = openDisplay({
    mode,
    output: stderr,
    env,
    now: () => clock ?? now(),
    sumsUpWarnings: false,
    debug: globals.debug,
  });
  try {
    for await (const message of build.node.client.status(build.ref, { signal })) {
      if (clock) clock = latest(message, clock);
      display.update(statusFromWire(message));
    }
  } finally {
    display.finish();
  }
  return 0;
}

/** The last moment that a message names, or `before` when it names none after that. */
function latest({ vertexes, statuses, logs }: StatusResponse, before: Date): Date {
  const times = [
    ...vertexes.flatMap(({ started, completed }) => [started, completed]),
    ...statuses.map(({ timestamp }) => timestamp),
    ...logs.map(({ timestamp }) => timestamp),
  ];
  const ms = times.map((time) => (time ? timestampMs(time) : 0));
  return new Date(ms.reduce((a, b) => Math.max(a, b), before.getTime()));
}
