import type { BuildkitVersion } from "../../client/mod.ts";
import { goValue, type GoValue } from "./render.ts";

/** `BuildKit: package version revision`, and which Dockerfile frontend is built in. */
export function versionLines(version: BuildkitVersion | undefined): string {
  const { package: name = "", version: number = "", revision = "", dockerfileVersion = "" } = version ?? {};
  const dockerfile = dockerfileVersion === "" ? "" : `Dockerfile:\t${dockerfileVersion}\n`;
  return `BuildKit:\t${name} ${number} ${revision}\n${dockerfile}`;
}

/** A version as BuildKit's client has it. */
export function versionValue(known: BuildkitVersion | undefined): GoValue {
  const { package: name = "", version = "", revision = "", dockerfileVersion = "" } = known ?? {};
  return goValue(
    { Package: name, Version: version, Revision: revision, DockerfileVersion: dockerfileVersion },
    { package: name, version, revision, ...(dockerfileVersion === "" ? {} : { dockerfileVersion }) },
  );
}
