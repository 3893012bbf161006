import type { JobContext, JobName, Jobs } from "../jobs.ts";
import { hash } from "./hash.ts";
import { measure } from "./measure.ts";
import { pack, recompress } from "./pack.ts";
import { read } from "./read.ts";
import { scan } from "./scan.ts";
import { remove, seal, write } from "./trees.ts";
import { walk } from "./walk.ts";

/** What worker threads run for each job. */
export const jobRunners: {
  readonly [N in JobName]: (
    input: Jobs[N]["input"],
    context: JobContext,
  ) => Jobs[N]["output"] | Promise<Jobs[N]["output"]>;
} = { hash, measure, pack, read, recompress, remove, scan, seal, walk, write };
