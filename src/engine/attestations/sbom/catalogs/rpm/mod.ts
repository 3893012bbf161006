/** Packages of Red Hat's, SUSE's and their kin. */
export { rpmCatalog } from "./rpm.ts";
