/** One line of comma separated values, as option values use it. */
export { formatCsvField, formatCsvFields, parseCsvFields } from "./csv.ts";
