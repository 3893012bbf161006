import { goQuote } from "../../../../base/text/go-values/mod.ts";
import { isIP } from "node:net";
import { type ExposeInstruction, expand } from "../../../../dockerfile/mod.ts";
import { goList } from "../go-text.ts";
import type { Stage } from "../stage.ts";

/** Marks ports that containers listen on. */
export function applyExpose(stage: Stage, { ports }: ExposeInstruction): void {
  const { environment, conversion } = stage;
  const words = ports.flatMap((port) => expand(port, { environment, escape: conversion.escape }).words);
  const exposed = words.flatMap((word) => parsePorts(word, stage));
  for (const port of exposed) stage.image.exposedPorts.add(port);
  stage.record(`EXPOSE ${goList(exposed)}`, { layer: false });
}

/** `[[ip:]hostPort:]port[-port][/protocol]` as `port/protocol`s. Host parts mean nothing here, but must be right. */
function parsePorts(text: string, stage: Stage): readonly string[] {
  const parts = text.split(":");
  const container = parts.at(-1) as string;
  const hostPort = parts.at(-2) ?? "";
  const ip = parts.slice(0, -2).join(":");
  const [range, protocol] = splitProtocol(container, text);
  if (protocol !== protocol.toLowerCase()) {
    const message = `Defined protocol '${text}' in EXPOSE instruction should be lowercase`;
    stage.lint("ExposeProtoCasing", message);
  }
  if (ip !== "" || hostPort !== "") {
    const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${text}'`;
    stage.lint("ExposeInvalidFormat", message);
  }
  const bareIp = ip.startsWith("[") && ip.endsWith("]") ? ip.slice(1, -1) : ip;
  if (ip !== "" && isIP(bareIp) === 0) throw new Error(`invalid IP address: ${ip}`);
  const [start, end] = parseRange(range) ?? fail(`invalid containerPort: ${range}`);
  if (hostPort !== "") {
    const [hostStart, hostEnd] = parseRange(hostPort) ?? fail(`invalid hostPort: ${hostPort}`);
    if (hostEnd - hostStart !== end - start && end !== start) {
      fail(`invalid ranges specified for container and host Ports: ${range} and ${hostPort}`);
    }
  }
  return Array.from({ length: end - start + 1 }, (_, at) => `${start + at}/${protocol.toLowerCase()}`);
}

function splitProtocol(text: string, whole: string): readonly [range: string, protocol: string] {
  const at = text.indexOf("/");
  const range = at < 0 ? text : text.slice(0, at);
  const protocol = at < 0 ? "" : text.slice(at + 1);
  if (range === "") fail(`invalid port: ${goQuote(whole)}: no port specified`);
  if (!["", "tcp", "udp", "sctp"].includes(protocol.toLowerCase())) {
    fail(`invalid port: ${goQuote(whole)}: invalid proto: ${protocol}`);
  }
  return [range, protocol || "tcp"];
}

function parseRange(text: string): readonly [start: number, end: number] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const start = Number(match[1]);
  const end = Number(match[2] ?? match[1]);
  return start <= end && end <= 65_535 ? [start, end] : undefined;
}

function fail(message: string): never {
  throw new Error(message);
}
