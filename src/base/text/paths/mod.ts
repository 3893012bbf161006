/** Slash-separated paths as text. Nothing here looks at a disk, and nothing here is a defence against symlinks. */
export { baseName, cleanPath, joinPath } from "./clean-path.ts";
