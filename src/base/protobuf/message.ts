import type { DescMessage } from "./descriptor.ts";

/** What every message has. */
export interface Message<TypeName extends string = string> {
  /** Full name of its type, as `pb.Op`. */
  readonly $typeName: TypeName;
  /** Fields that its type does not know, in the order in which they arrived; they are sent on. */
  $unknown?: UnknownField[] | undefined;
}

/** A field that a message's type does not know. */
export interface UnknownField {
  readonly no: number;
  readonly wireType: number;
  /** What follows the tag on the wire. */
  readonly data: Uint8Array;
}

declare const unknownEnum: unique symbol;

/** A number that an enum has no name for; newer peers send them. */
export type UnknownEnum = number & { readonly [unknownEnum]?: never };

/** The messages that a table describes. */
export type MessageShape<D extends DescMessage> = D extends DescMessage<infer M> ? M : never;

/** What a message can be made of: any part of its fields. */
export type MessageInitShape<D extends DescMessage> = D extends DescMessage<infer M> ? Init<M> : never;

type Init<M extends Message> =
  | M
  | { readonly [K in keyof M as K extends "$typeName" | "$unknown" ? never : K]?: FieldInit<M[K]> | undefined };

type FieldInit<F> = F extends Uint8Array | bigint | boolean | string | number | undefined
  ? F
  : F extends readonly (infer Item)[]
    ? FieldInit<Item>[]
    : F extends Message
      ? Init<F>
      : F extends { readonly case: infer Case extends string; value: infer Value }
        ? { readonly case: Case; readonly value: FieldInit<Value> }
        : F extends { readonly case: undefined; value?: undefined }
          ? F
          : F extends Record<string, infer Value>
            ? Record<string, FieldInit<Value>>
            : F;
