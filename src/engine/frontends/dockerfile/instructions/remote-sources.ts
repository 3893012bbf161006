/** Whether a source names a Git repository rather than a path: `git://…`, `git@host:…`, `ssh://…`, `https://….git[#…]`. */
export function isGitSource(source: string): boolean {
  if (/^(git|ssh):\/\//.test(source)) return true;
  if (/^https?:\/\//.test(source)) return /^https?:\/\/[^?#]+\.git(?:[?#].*)?$/.test(source);
  return /^[\w-]+@[\w.-]+:./.test(source);
}

/** Whether a source is to be fetched by HTTP. */
export function isHttpSource(source: string): boolean {
  return /^https?:\/\//.test(source) && !isGitSource(source);
}
