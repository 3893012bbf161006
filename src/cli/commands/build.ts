import { defineCommand } from "../command.ts";
import type { FlagTable } from "../flags/flag.ts";

const progressModes = ["auto", "none", "plain", "quiet", "rawjson", "tty"];

/** The flags of `build`: those of docker buildx, each either served or said to be missing. */
export const buildFlags = {
  "add-host": { kind: "slice", usage: 'Add a custom host-to-IP mapping (format: "host:ip")' },
  allow: {
    kind: "array",
    usage: 'Allow extra privileged entitlement (e.g., "network.host", "security.insecure")',
    complete: ["network.host", "security.insecure"],
  },
  annotation: { kind: "array", usage: "Add annotation to the image" },
  attest: {
    kind: "array",
    usage: 'Attestation parameters (format: "type=sbom,generator=image")',
    complete: ["type=provenance", "type=sbom"],
  },
  "build-arg": { kind: "array", usage: "Set build-time variables" },
  "build-context": { kind: "array", usage: "Additional build contexts (e.g., name=path)" },
  call: {
    kind: "string",
    usage: 'Set method for evaluating build ("check", "outline", "targets")',
    default: "build",
    complete: ["build", "check", "outline", "targets"],
  },
  check: { kind: "bool", usage: 'Shorthand for "--call=check"' },
  "cache-from": {
    kind: "array",
    usage: 'External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")',
  },
  "cache-to": {
    kind: "array",
    usage: 'Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")',
  },
  "cgroup-parent": { kind: "string", usage: 'Set the parent cgroup for the "RUN" instructions during build' },
  file: { kind: "string", short: "f", usage: 'Name of the Dockerfile (default: "PATH/Dockerfile")', complete: "file" },
  iidfile: { kind: "string", usage: "Write the image ID to a file", complete: "file" },
  label: { kind: "array", usage: "Set metadata for an image" },
  load: { kind: "bool", usage: 'Shorthand for "--output=type=docker"' },
  "metadata-file": { kind: "string", usage: "Write build result metadata to a file", complete: "file" },
  network: {
    kind: "string",
    usage: 'Set the networking mode for the "RUN" instructions during build',
    default: "default",
    complete: ["default", "host", "none"],
  },
  "no-cache": { kind: "bool", usage: "Do not use cache when building the image" },
  "no-cache-filter": { kind: "array", usage: "Do not cache specified stages" },
  output: {
    kind: "array",
    short: "o",
    usage: 'Output destination (format: "type=local,dest=path")',
    complete: ["type=docker", "type=image", "type=local", "type=oci", "type=registry", "type=tar"],
  },
  platform: {
    kind: "array",
    usage: "Set target platform for build",
    complete: [
      "linux/386",
      "linux/amd64",
      "linux/arm/v7",
      "linux/arm64",
      "linux/ppc64le",
      "linux/riscv64",
      "linux/s390x",
    ],
  },
  progress: {
    kind: "string",
    usage: `Set type of progress output (${progressModes.map((mode) => `"${mode}"`).join(", ")}). Use plain to show container output`,
    default: "auto",
    complete: progressModes,
  },
  provenance: {
    kind: "string",
    usage: 'Shorthand for "--attest=type=provenance"',
    complete: ["false", "true", "mode=max", "mode=min"],
  },
  pull: { kind: "bool", usage: "Always attempt to pull all referenced images" },
  push: { kind: "bool", usage: 'Shorthand for "--output=type=registry"' },
  quiet: { kind: "bool", short: "q", usage: "Suppress the build output and print image ID on success" },
  resource: {
    kind: "array",
    usage: 'Limit what each "RUN" instruction may use (format: "memory=1g")',
    complete: ["memory=", "memory-swap=", "cpu-shares=", "cpu-period=", "cpu-quota=", "cpuset-cpus=", "cpuset-mems="],
  },
  sbom: { kind: "string", usage: 'Shorthand for "--attest=type=sbom"', complete: ["false", "true", "generator="] },
  secret: { kind: "array", usage: 'Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")' },
  "shm-size": { kind: "bytes", usage: "Shared memory size for build containers" },
  ssh: {
    kind: "array",
    usage: 'SSH agent socket or keys to expose to the build (format: "default|<id>[=<socket>|<key>[,<key>]]")',
  },
  tag: { kind: "array", short: "t", usage: 'Name and optionally a tag (format: "name:tag")' },
  target: { kind: "string", usage: "Set the target build stage to build" },
  ulimit: { kind: "ulimit", usage: "Ulimit options" },

  policy: { kind: "array", usage: "Policy configuration", notYet: true },

  // what docker build once had and buildx keeps hidden: refused, or said to have no effect, never passed over in silence
  compress: {
    kind: "bool",
    usage: "Compress the build context",
    hidden: true,
    noEffect: "the context is only sent where it must be, and never compressed",
  },
  "cpu-period": { kind: "int", usage: "CPU CFS period", hidden: true },
  "cpu-quota": { kind: "int", usage: "CPU CFS quota", hidden: true },
  "cpu-shares": { kind: "int", short: "c", usage: "CPU shares", hidden: true },
  "cpuset-cpus": { kind: "string", usage: "CPUs in which to allow execution", hidden: true },
  "cpuset-mems": { kind: "string", usage: "MEMs in which to allow execution", hidden: true },
  "force-rm": {
    kind: "bool",
    usage: "Always remove intermediate containers",
    hidden: true,
    noEffect: "a build leaves no containers behind",
  },
  isolation: {
    kind: "string",
    usage: "Container isolation technology",
    hidden: true,
    noEffect: "isolation flag is deprecated with BuildKit",
  },
  memory: { kind: "bytes", short: "m", usage: "Memory limit", hidden: true },
  "memory-swap": { kind: "string", usage: "Swap limit", hidden: true },
  print: { kind: "string", usage: "Print result of information request", hidden: true },
  rm: {
    kind: "bool",
    usage: "Remove intermediate containers",
    hidden: true,
    noEffect: "a build leaves no containers behind",
  },
  "security-opt": {
    kind: "slice",
    usage: "Security options",
    hidden: true,
    noEffect: `security-opt flag is deprecated, "RUN --security=insecure" should be used with BuildKit`,
  },
  squash: {
    kind: "bool",
    usage: "Squash newly built layers into a single new layer",
    hidden: true,
    noEffect: "squash is removed with BuildKit, you should squash inside build using a multi-stage Dockerfile",
  },
} as const satisfies FlagTable;

/** `build`: one image, or its parts, for one platform or many. */
export const buildCommand = defineCommand({
  name: "build",
  aliases: ["b"],
  summary: "Start a build",
  usage: "[OPTIONS] PATH | URL | -",
  args: { min: 1, max: 1 },
  completeArgs: "directory",
  flags: buildFlags,
  run: async (invocation) => (await import("./build-run.ts")).runBuild(invocation),
});
