import { closeSync, readSync, writeSync } from "node:fs";
import { isIPv6 } from "node:net";
import { systemError } from "../errors/mod.ts";
import { check, syscall, syscallNumber } from "./libc.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_CREATE = 0x600;
const NLM_F_DUMP = 0x300;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

const IFF_UP = 1;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

const headerBytes = 16;
const linkBytes = 16;
/** More than the kernel puts into one answer. */
const answerBytes = 64 << 10;

/** A network device, as the calling thread's namespace has it. */
export interface NetworkLink {
  readonly index: number;
  readonly name: string;
  /** Index of the bridge that it is a port of. */
  readonly master: number | undefined;
}

/** All network devices. */
export function networkLinks(): readonly NetworkLink[] {
  const answers = request(RTM_GETLINK, NLM_F_DUMP, linkMessage({ index: 0 }));
  return answers.map((message) => {
    const attributes = attributesOf(message.subarray(linkBytes));
    const master = attributes.get(IFLA_MASTER)?.readUInt32LE(0);
    const name = attributes.get(IFLA_IFNAME)?.toString("latin1").replace(/\0.*$/s, "") ?? "";
    return { index: message.readInt32LE(4), name, master };
  });
}

/** Switches the loopback device on, which is the first one everywhere. */
export function setLoopbackUp(): void {
  request(RTM_NEWLINK, NLM_F_ACK, linkMessage({ index: 1, up: true }));
}

/** Makes a device of a kind that needs no more than its name, for instance a `bridge`; `index` must be free. It is down. */
export function addLink(link: { readonly index: number; readonly name: string; readonly kind: string }): void {
  const info = attribute(IFLA_INFO_KIND, Buffer.from(link.kind));
  const body = [linkMessage(link), attribute(IFLA_IFNAME, cName(link.name)), attribute(IFLA_LINKINFO, info)];
  request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE, Buffer.concat(body));
}

/** Removes a device. @throws `ENODEV` when there is none of that name */
export function removeLink(name: string): void {
  const body = [linkMessage({ index: 0 }), attribute(IFLA_IFNAME, cName(name))];
  request(RTM_DELLINK, NLM_F_ACK, Buffer.concat(body));
}

/** Gives a device an address with the length of its network's prefix: `10.1.2.3/24`, `fd00::1/64`. */
export function addAddress(index: number, address: string): void {
  const [ip = "", prefix = ""] = address.split("/");
  const bytes = addressBytes(ip);
  const head = Buffer.alloc(8);
  head.writeUInt8(bytes.length === 4 ? AF_INET : AF_INET6, 0);
  head.writeUInt8(Number(prefix), 1);
  head.writeUInt32LE(index, 4);
  const body = [head, attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)];
  request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE, Buffer.concat(body));
}

/** Asks the kernel, in the calling thread's network namespace. @returns the bodies of its answers, none for a mere "done" */
function request(type: number, flags: number, body: Uint8Array): readonly Buffer[] {
  const socket = check(syscall(syscallNumber.socket, AF_NETLINK, SOCK_RAW_CLOEXEC, 0), "socket");
  try {
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32LE(headerBytes + body.byteLength, 0);
    header.writeUInt16LE(type, 4);
    header.writeUInt16LE(NLM_F_REQUEST | flags, 6);
    writeSync(socket, Buffer.concat([header, body]));
    const answers: Buffer[] = [];
    const chunk = Buffer.alloc(answerBytes);
    for (;;) {
      const size = readSync(socket, chunk);
      for (let at = 0; at + headerBytes <= size; ) {
        const length = chunk.readUInt32LE(at);
        const kind = chunk.readUInt16LE(at + 4);
        const message = chunk.subarray(at + headerBytes, at + length);
        if (kind === NLMSG_DONE) return answers;
        if (kind === NLMSG_ERROR) {
          const failed = -message.readInt32LE(0);
          if (failed !== 0) throw systemError(failed, "netlink");
          return answers;
        }
        answers.push(Buffer.from(message));
        at += align(length);
      }
    }
  } finally {
    closeSync(socket);
  }
}

function linkMessage({ index, up = false }: { readonly index: number; readonly up?: boolean }): Buffer {
  const message = Buffer.alloc(linkBytes);
  message.writeInt32LE(index, 4);
  if (up) {
    message.writeUInt32LE(IFF_UP, 8);
    message.writeUInt32LE(IFF_UP, 12);
  }
  return message;
}

function attribute(type: number, value: Uint8Array): Buffer {
  const length = 4 + value.byteLength;
  const bytes = Buffer.alloc(align(length));
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

function attributesOf(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    attributes.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return attributes;
}

function addressBytes(ip: string): Buffer {
  if (!isIPv6(ip)) return Buffer.from(ip.split(".").map(Number));
  const [head = "", tail] = ip.split("::");
  const groups = (text: string) => text.split(":").filter(Boolean);
  const missing = 8 - groups(head).length - groups(tail ?? "").length;
  const all = [...groups(head), ...(tail === undefined ? [] : Array<string>(missing).fill("0")), ...groups(tail ?? "")];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

const cName = (name: string): Buffer => Buffer.from(`${name}\0`);
const align = (length: number): number => (length + 3) & ~3;
