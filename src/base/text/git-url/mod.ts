/** Addresses of Git repositories, as builds name them. */
export { type GitUrl, parseGitUrl } from "./git-url.ts";
