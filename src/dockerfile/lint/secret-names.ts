const secret = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const harmless = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** Whether a variable of this name is likely to hold something that must not be seen. */
export function isSecretName(name: string): boolean {
  return secret.test(name) && !harmless.test(name);
}
