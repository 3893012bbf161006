/** What the web has, for those who want no more of it than one file. */
export { fetchFrom } from "./fetch.ts";
