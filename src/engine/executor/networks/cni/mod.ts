/** Networks that CNI plugins make. */
export { CniNetworks, type CniOptions } from "./cni-networks.ts";
export { type NetworkList, parseNetworkList } from "./network-list.ts";
export type { PluginRunner } from "./plugin.ts";
export { takeApartNoted } from "./take-apart.ts";
export { AttachmentRecords } from "./records.ts";
