import { messageOf } from "./build-error.ts";

/** Why nobody could be reached, in the words of Go's net package, which people search for: `lookup vm: no such host`. */
export function connectErrorText(cause: unknown): string {
  const { code, hostname, errors } = cause as NodeJS.ErrnoException & {
    readonly hostname?: string;
    readonly errors?: readonly unknown[];
  };
  // Where a name has several addresses, each was tried.
  if (errors !== undefined && errors.length > 0) return connectErrorText(errors.at(-1));
  if (code === "ENOTFOUND") return `lookup ${hostname ?? ""}: no such host`;
  if (code === "EAI_AGAIN") return `lookup ${hostname ?? ""}: Temporary failure in name resolution`;
  const words = code === undefined ? undefined : connectWords[code];
  return words === undefined ? messageOf(cause) : `connect: ${words}`;
}

const connectWords: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  ECONNREFUSED: "connection refused",
  EACCES: "permission denied",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
};
