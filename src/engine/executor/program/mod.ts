/** The program that a container is to run, and those that it starts, looked at from outside. */
export { hintFor, Tail } from "./hint.ts";
export { whyNot } from "./why-not.ts";
