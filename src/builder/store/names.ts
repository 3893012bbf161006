import { BuildError } from "../../base/errors/mod.ts";

/**
 * A name as the store files it: in lower case.
 * @throws {BuildError} `invalid_argument` when it is no name for a builder or node
 */
export function validName(name: string): string {
  if (!/^[a-zA-Z][a-zA-Z0-9.\-_]*$/.test(name)) {
    throw new BuildError(
      "invalid_argument",
      `invalid name ${name}, name needs to start with a letter and may not contain symbols, except ._-`,
    );
  }
  return name.toLowerCase();
}

/** Whether {@link validName} takes it. */
export function isValidName(name: string): boolean {
  try {
    validName(name);
    return true;
  } catch {
    return false;
  }
}
