import { BuildError } from "../base/errors/mod.ts";
import type { Driver, DriverInput, DriverKind, OpenDriver } from "./driver.ts";

/** The ways to make drivers, by kind. Their code is loaded when the first of a kind is made. */
export type DriverTable = Readonly<Partial<Record<DriverKind, () => Promise<OpenDriver>>>>;

/** Kinds of which people make builders. */
const creatable: readonly string[] = ["docker-container", "kubernetes", "remote"];

/** Whether a builder's record may name it. */
export function isDriverKind(name: string): name is DriverKind {
  return name === "embedded" || name === "docker" || creatable.includes(name);
}

/** @throws {BuildError} when there is no such driver, or its builders are there by themselves */
export function checkCreatable(name: string): asserts name is DriverKind {
  if (!isDriverKind(name)) {
    throw new BuildError(
      "invalid_argument",
      `failed to find driver ${JSON.stringify(name)} (there are ${creatable.join(", ")})`,
    );
  }
  if (!creatable.includes(name)) {
    throw new BuildError(
      "invalid_argument",
      `additional instances of driver ${JSON.stringify(name)} cannot be created`,
    );
  }
}

/** Makes the driver of one node. @throws {BuildError} for a kind that is not there, and what that driver refuses */
export async function openDriver(kind: string, input: DriverInput, table: DriverTable): Promise<Driver> {
  if (!isDriverKind(kind)) throw new BuildError("invalid_argument", `failed to find driver ${JSON.stringify(kind)}`);
  const load = table[kind];
  if (!load) {
    throw new BuildError(
      "unimplemented",
      `driver ${JSON.stringify(kind)} is not supported by polyarch yet: use docker buildx for this builder`,
    );
  }
  return await (await load())(input);
}
