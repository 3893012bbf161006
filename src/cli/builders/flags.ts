/** `--timeout`, of all commands that ask nodes how they are. */
export const timeoutFlag = {
  timeout: {
    kind: "duration",
    usage: "Override the default timeout for loading builder status",
    default: "20s",
  },
} as const;
