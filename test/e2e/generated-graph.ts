import { seeded } from "../../src/engine/frontends/dockerfile/differential/mutate.ts";
import { type FileAction, image, diff, merge, scratch, type State } from "../../src/llb/mod.ts";
import type { Platform } from "../../src/oci/mod.ts";

/** A random graph with sources, steps, files, merges and diffs: the same for the same seed. What its steps do depends on nothing but what they are given. */
export function generatedGraph(seed: number, options: { base: string; platform: Platform; ops: number }): State {
  const { base, platform, ops } = options;
  const random = seeded(seed);
  const below = (count: number) => Math.floor(random() * count);
  const oneOf = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const root = image(base, { platform });
  /** Made so far; programs can run in those that have the image below. */
  const made: { readonly state: State; readonly runs: boolean }[] = [
    { state: root, runs: true },
    { state: scratch.file([{ type: "mkdir", path: "/d", mode: 0o755, timestampNs }]), runs: false },
  ];
  const any = () => oneOf(made);
  const runnable = () => oneOf(made.filter(({ runs }) => runs));
  const add = (state: State, runs: boolean) => void made.push({ state, runs });

  const kinds: readonly ((name: string) => void)[] = [
    (name) => {
      const on = any();
      const count = 1 + below(3);
      const [first, ...rest] = Array.from({ length: count }, (_, at) =>
        fileAction(`${name}-${at}`, any().state, below),
      );
      if (first) add(on.state.file([first, ...rest]), on.runs);
    },
    (name) => {
      const on = runnable();
      add(
        on.state.run({ args: ["sh", "-c", oneOf(scripts)(`${seed}-${name}`)], env: ["WORD=word"], cwd: "/", platform }),
        true,
      );
    },
    (name) => {
      const script = `ls -A /in > /list-${name}; echo ${name} > /cache/${name}; touch -d @1000 /list-${name}`;
      const mounts = [
        { type: "bind", target: "/in", from: any().state, readonly: below(2) === 0 },
        {
          type: "cache",
          target: "/cache",
          id: `cache-${seed}`,
          sharing: oneOf(["shared", "locked", "private"] as const),
          from: scratch,
          readonly: false,
        },
        { type: "tmpfs", target: "/tmpfs" },
      ] as const;
      add(runnable().state.run({ args: ["sh", "-c", script], env: [], cwd: "/", platform, mounts }), true);
    },
    () => {
      const parts = Array.from({ length: 2 + below(2) }, any);
      add(
        merge(parts.map(({ state }) => state)),
        parts.some(({ runs }) => runs),
      );
    },
    () => add(diff(any().state, any().state), false),
  ];
  for (let at = 0; at < ops; at++) oneOf(kinds)(`n${at}`);
  // All of it counts: what nothing has used yet is laid over the rest.
  return merge([root, ...made.slice(2).map(({ state }) => state)]);
}

const timestampNs = 1_000_000_000_000n;

/** What processes do. Times are set: they would differ from run to run. */
const scripts: readonly ((name: string) => string)[] = [
  (name) => `mkdir -p /r && echo ${name} $WORD > /r/${name} && touch -d @1000 /r/${name} /r`,
  (name) => `cat /f-* /r/* > /sum-${name} 2>/dev/null; touch -d @1000 /sum-${name}`,
  () => "rm -rf /r /f-*-0",
  (name) =>
    `mkdir -p /r && ln -sf nowhere /r/link && chmod 0750 /r && touch -h -d @1000 /r/link && touch -d @1000 /r && echo ${name}`,
  (name) => `find / -xdev -type f -name 'f-*' | sort > /found-${name}; touch -d @1000 /found-${name}`,
];

function fileAction(name: string, from: State, below: (count: number) => number): FileAction {
  switch (below(5)) {
    case 0:
      return { type: "mkdir", path: `/d/${name}/e`, mode: 0o750, makeParents: true, timestampNs };
    case 1:
      return { type: "symlink", path: `/s-${name}`, target: "d/../f", timestampNs };
    case 2:
      return { type: "rm", path: `/f-n${below(9)}-*`, allowNotFound: true, allowWildcard: true };
    case 3:
      return {
        type: "copy",
        from,
        source: "/*",
        destination: `/c-${name}/`,
        createDestPath: true,
        allowWildcard: true,
        allowEmptyWildcard: true,
        includePatterns: ["f-*", "s-*", "d", "r"],
        timestampNs,
      };
    default: {
      const data = Buffer.from(name.repeat(1 + below(2000)));
      return {
        type: "mkfile",
        path: `/f-${name}`,
        mode: 0o600 + below(0o100),
        data,
        chown: { user: { id: below(3) } },
        timestampNs,
      };
    }
  }
}
