import { pb } from "../../../api/mod.ts";
import type { Graph } from "../../../llb/mod.ts";
import type { Digest } from "../../../oci/mod.ts";
import { Capture } from "../../attestations/mod.ts";
import type { SourceMaterial } from "../../ops/mod.ts";

/**
 * What the ops of a graph tell of how its result came about.
 * @param materials what its sources turned out to be, by their digests
 */
export function captureGraph(graph: Graph, materials: (vertex: Digest) => SourceMaterial | undefined): Capture {
  const capture = new Capture();
  for (const [digest, { op }] of graph.ops) {
    const { op: arm } = op;
    if (arm.case === "source") {
      const material = materials(digest);
      if (material) addMaterial(capture, material);
      else capture.isIncomplete = true;
    }
    if (arm.case === "exec") addProcess(capture, arm.value);
    if (arm.case === "build") capture.isIncomplete = true; // what it builds is told by a file that only the build itself makes
  }
  return capture;
}

function addMaterial(capture: Capture, material: SourceMaterial): void {
  switch (material.type) {
    case "image":
      return capture.addImage(material);
    case "blob":
      return capture.addBlob(material);
    case "http":
      return capture.addHttp(material);
    case "local":
      return capture.addLocal(material.name);
    case "git": {
      const { remote, ref, object, bundle, secrets, agent } = material;
      capture.addGit({ url: ref === "" ? remote : `${remote}#${ref}`, object, bundle });
      for (const id of secrets) capture.addSecret({ id, isOptional: true });
      if (agent !== undefined) capture.addSsh({ id: agent, isOptional: true });
    }
  }
}

function addProcess(capture: Capture, { mounts, secretenv, network }: pb.ExecOp): void {
  for (const { mountType, secretOpt, SSHOpt } of mounts) {
    if (mountType === pb.MountType.SECRET) {
      capture.addSecret({ id: secretOpt?.ID ?? "", isOptional: secretOpt?.optional ?? false });
    }
    if (mountType === pb.MountType.SSH) {
      capture.addSsh({ id: SSHOpt?.ID ?? "", isOptional: SSHOpt?.optional ?? false });
    }
  }
  for (const { ID: id, optional: isOptional } of secretenv) capture.addSecret({ id, isOptional });
  if (network !== pb.NetMode.NONE) capture.hasNetwork = true;
}
