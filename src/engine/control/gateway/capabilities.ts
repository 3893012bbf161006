import { type LlbCapability, llbCapabilities } from "../../../llb/mod.ts";

/** What graphs may ask of engines in general and this one cannot do yet. Clients are told so, and do without. */
const missing: ReadonlySet<string> = new Set<LlbCapability>(["exec.meta.network.proxy"]);

/** What graphs may ask of this engine, sorted. */
export const engineCapabilities: readonly string[] = llbCapabilities.filter((id) => !missing.has(id)).sort();

/** What callers of the gateway may ask of it, sorted. */
export const gatewayCapabilities: readonly string[] = [
  "frontend.caps",
  "frontend.inputs",
  "gateway.evaluate",
  "gateway.exec",
  "gateway.exec.extrahosts",
  "gateway.exec.filesystem",
  "gateway.exec.secretenv",
  "gateway.exec.signals",
  "gateway.solve.evaluate",
  "gateway.solve.metadata",
  "gateway.warnings",
  "importcaches",
  "proto.refarray",
  "readdir",
  "readfile",
  "reference.output",
  "resolveimage",
  "resolveimage.resolvemode",
  "return",
  "returnmap",
  "solve.base",
  "solve.inlinereturn",
  "source.metaresolver",
  "source.metaresolver.http.checksumrequest",
  "source.metaresolver.image.attestations",
  "statfile",
];
