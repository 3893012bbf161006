/** Filters over records, in containerd's language, as clients of the BuildKit API write them. */
export {
  FilterError,
  type FilterFields,
  type FilterMeasure,
  type FilterText,
  parseFilters,
  textField,
} from "./filter.ts";
