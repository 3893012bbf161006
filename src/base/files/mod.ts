/** Files and directories, where Node's own calls do not do what is needed. */
export { makeDirectory, makeDirectorySync } from "./make-directory.ts";
