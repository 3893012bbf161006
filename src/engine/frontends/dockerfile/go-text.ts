import { goQuote } from "../../../base/text/go-values/mod.ts";

/** A list of strings as Go's `%q` writes it: `["a" "b"]`. */
export const goQuoteList = (texts: readonly string[]): string => `[${texts.map(goQuote).join(" ")}]`;

/** A list as Go's `%v` writes it: `[a b]`. */
export const goList = (texts: readonly string[]): string => `[${texts.join(" ")}]`;
