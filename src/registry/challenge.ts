/** One way in that a `WWW-Authenticate` header offers. Scheme and parameter names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const schemePattern = /[\s,]*([A-Za-z][A-Za-z0-9._~+-]*)(?=\s|,|$)\s*/y;
const parameterPattern = /[\s,]*([A-Za-z0-9._~!#$%&'*+^`|-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;

/**
 * Parses the header's values; what makes no sense ends the value it stands in.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function parseChallenges(header: string | readonly string[] | undefined): readonly Challenge[] {
  const values = header === undefined ? [] : typeof header === "string" ? [header] : header;
  return values.flatMap((value) => parseValue(value.slice(0, 8192)));
}

function parseValue(value: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(value);
    if (found) at = pattern.lastIndex;
    return found;
  };
  for (let scheme = match(schemePattern); scheme; scheme = match(schemePattern)) {
    const parameters: [string, string][] = [];
    for (let found = match(parameterPattern); found; found = match(parameterPattern)) {
      parameters.push([(found[1] as string).toLowerCase(), found[2]?.replace(/\\(.)/g, "$1") ?? found[3] ?? ""]);
    }
    challenges.push({ scheme: (scheme[1] as string).toLowerCase(), parameters: Object.fromEntries(parameters) });
  }
  return challenges;
}
