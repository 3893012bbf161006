/**
 * Protocol buffers (proto3): messages as plain objects, to bytes and back, by tables that are only built when their message is first used.
 *
 * `scripts/gen-api.ts` generates the tables and the types. A message has all its fields, zero when they were not set, but for messages and
 * `optional` scalars, which may be undefined; a oneof is `{ case, value }`. 64-bit integers are bigints; unknown fields and enum numbers are kept.
 */
export { clone } from "./clone.ts";
export { create } from "./create.ts";
export {
  type DescMessage,
  type DescMethod,
  type DescService,
  type EnumNames,
  type Field,
  field,
  list,
  map,
  message,
  type MethodKind,
  type Scalar,
  service,
} from "./descriptor.ts";
export { fromBinary } from "./from-binary.ts";
export { messageJson } from "./go-json.ts";
export type { Message, MessageInitShape, MessageShape, UnknownEnum, UnknownField } from "./message.ts";
export { type Timestamp, timestampFromDate, timestampMs } from "./timestamp.ts";
export { toBinary } from "./to-binary.ts";
export { toJson } from "./to-json.ts";
