import { asBuildError, BuildError, isAbort } from "../../base/errors/mod.ts";

const frontendType = "github.com/moby/buildkit/errdefs.Frontend+json";

/** A failure of a frontend, which a detail names. @param frontend `source`: the image that it is, where it is one */
export function frontendError(
  error: unknown,
  frontend: { readonly name: string; readonly source?: string | undefined },
): unknown {
  if (isAbort(error)) return error;
  const { code, message, location, details } = asBuildError(error);
  const { name, source } = frontend;
  const value = Buffer.from(JSON.stringify({ name, ...(source && { source }) }));
  const named = { typeUrl: frontendType, value };
  return new BuildError(code, message, { cause: error, location, details: [named, ...details] });
}
