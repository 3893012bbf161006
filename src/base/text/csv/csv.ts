/**
 * Splits one line of comma separated fields as Go's `encoding/csv` does, which is what people's `--output` and `--cache-to` values are
 * written for: a field that contains a comma stands in double quotes, and a quote inside of it is doubled.
 * @throws {Error} with Go's words when a quote stands where none may
 */
export function parseCsvFields(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      const { value, end } = quotedField(line, at);
      fields.push(value);
      at = end;
    } else {
      const comma = line.indexOf(",", at);
      const end = comma < 0 ? line.length : comma;
      const field = line.slice(at, end);
      const quote = field.indexOf('"');
      if (quote >= 0) throw csvError(at + quote, 'bare " in non-quoted-field');
      fields.push(field);
      at = end;
    }
    if (at >= line.length) return fields;
    at++; // the comma
  }
}

/** Writes one field so that {@link parseCsvFields} reads it back. */
export function formatCsvField(field: string): string {
  return /[",\r\n]|^\s/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** Writes fields as one line. */
export function formatCsvFields(fields: readonly string[]): string {
  return fields.map(formatCsvField).join(",");
}

function quotedField(line: string, start: number): { value: string; end: number } {
  let value = "";
  let at = start + 1;
  for (;;) {
    const quote = line.indexOf('"', at);
    if (quote < 0) throw csvError(line.length, 'extraneous or missing " in quoted-field');
    value += line.slice(at, quote);
    if (line[quote + 1] === '"') {
      value += '"';
      at = quote + 2;
      continue;
    }
    const next = line[quote + 1];
    if (next !== undefined && next !== ",") throw csvError(quote, 'extraneous or missing " in quoted-field');
    return { value, end: quote + 1 };
  }
}

function csvError(column: number, what: string): Error {
  return new Error(`parse error on line 1, column ${column + 1}: ${what}`);
}
