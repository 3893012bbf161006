/** Ways in which packages are written down in a tree. */
export type {
  Catalog,
  Distribution,
  FileReader,
  FoundPackage,
  ScannedFile,
  ScannedTree,
  Surroundings,
} from "./catalog.ts";
export { findPackages, type Findings } from "./find-packages.ts";
