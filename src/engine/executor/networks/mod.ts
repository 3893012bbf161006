/** What steps get of the network: the engine's own, or one each that CNI plugins make. */
export { hostNetworks, type Networks, type NetworkSettings, type StepNetwork } from "./networks.ts";
export { type NetworksOptions, openNetworks } from "./open.ts";
