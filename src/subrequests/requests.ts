import type { DescribedRequest } from "./answers.ts";

const common = { version: "1.0.0", type: "rpc" as const, inputs: null, refs: null };
const result = [
  { name: "result.json", description: "" },
  { name: "result.txt", description: "" },
];

/** What stands in the `requestid` of a request that asks about a Dockerfile. */
export const subrequests = {
  lint: "frontend.lint",
  outline: "frontend.outline",
  targets: "frontend.targets",
  describe: "frontend.subrequests.describe",
} as const;

/** Version of all answers. */
export const answerVersion = "1.0.0";

/** What BuildKit's frontend says that it answers; lint it answers without saying so. */
export const describedRequests: readonly DescribedRequest[] = [
  {
    name: subrequests.outline,
    ...common,
    description: "List all parameters current build target supports",
    opts: [{ name: "target", description: "Target build stage" }],
    metadata: result,
  },
  {
    name: subrequests.targets,
    ...common,
    description: "List all targets current build supports",
    opts: [],
    metadata: result,
  },
  {
    name: subrequests.describe,
    ...common,
    description: "List available subrequest types",
    opts: null,
    metadata: result,
  },
];
