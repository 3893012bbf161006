const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Adds PATH and HOME where they are not set. The last of two equal names wins, as in a shell. */
export function completeEnvironment(env: readonly string[], home: string): readonly string[] {
  const has = (name: string) => env.some((entry) => entry.startsWith(`${name}=`));
  return [...(has("PATH") ? [] : [`PATH=${defaultPath}`]), ...env, ...(has("HOME") ? [] : [`HOME=${home}`])];
}
