const clause = /^[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+$/;

/**
 * The value of `--chmod`: permission bits, or chmod's words (`u=rwX,go+r`) for the engine to apply per file.
 * @throws {Error} with BuildKit's words
 */
export function parseChmod(text: string): number | string {
  if (/^[0-7]+$/.test(text) && Number.parseInt(text, 8) <= 0o7777) return Number.parseInt(text, 8);
  if (!/^\d/.test(text) && text.split(",").every((part) => clause.test(part))) return text;
  throw new Error(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
}
