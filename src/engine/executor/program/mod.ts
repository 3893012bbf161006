/** The program that a container is to run, looked at from outside. */
export { whyNot } from "./why-not.ts";
