import type { Message } from "./message.ts";

/** How one value stands on the wire. */
export type Scalar =
  | "bool"
  | "bytes"
  | "double"
  | "fixed32"
  | "fixed64"
  | "int32"
  | "int64"
  | "string"
  | "uint32"
  | "uint64";

/** The numbers of an enum by name. */
export type EnumNames = Readonly<Record<string, number>>;

/** One field of a message's table. */
export interface Field {
  readonly number: number;
  /** As the .proto file has it. */
  readonly name: string;
  /** As the message has it. */
  readonly localName: string;
  readonly kind: "one" | "list" | "map";
  /** How a map's keys are written; of other fields undefined. */
  readonly key: Scalar | undefined;
  /** How the value, or each item, is written; undefined when it is a message. */
  readonly scalar: Scalar | undefined;
  readonly message: DescMessage | undefined;
  /** The names of the numbers, when it is an enum. */
  readonly enum: EnumNames | undefined;
  /** The oneof that it is a case of. */
  readonly oneof: string | undefined;
  /** Whether zero and unset are two things. */
  readonly optional: boolean;
}

/** The table of a message type. */
export class DescMessage<M extends Message = Message> {
  /** Only for the compiler. */
  declare readonly shape?: M;
  readonly typeName: string;
  readonly #build: () => readonly Field[];
  #fields: readonly Field[] | undefined;
  #written: readonly Field[] | undefined;
  #byNumber: ReadonlyMap<number, Field> | undefined;
  constructor(typeName: string, build: () => readonly Field[]) {
    this.typeName = typeName;
    this.#build = build;
  }
  /** In the order of the .proto file. */
  get fields(): readonly Field[] {
    return (this.#fields ??= this.#build());
  }
  /** In the order in which they are written: by number. */
  get written(): readonly Field[] {
    return (this.#written ??= this.fields.toSorted((a, b) => a.number - b.number));
  }
  get byNumber(): ReadonlyMap<number, Field> {
    return (this.#byNumber ??= new Map(this.fields.map((one) => [one.number, one])));
  }
}

/** Whether requests and replies are streams. */
export type MethodKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

/** One method of a service. */
export interface DescMethod {
  readonly parent: DescService;
  /** As the .proto file has it. */
  readonly name: string;
  readonly localName: string;
  readonly methodKind: MethodKind;
  readonly input: DescMessage;
  readonly output: DescMessage;
}

/** What the compiler knows of a service's methods, by local name. */
type MethodShapes = Readonly<Record<string, Pick<DescMethod, "methodKind" | "input" | "output">>>;

/** The table of a service. */
export class DescService<S extends MethodShapes = MethodShapes> {
  readonly typeName: string;
  readonly #build: () => Readonly<Record<keyof S, MethodRow>>;
  #methods: readonly DescMethod[] | undefined;
  #method: Methods<S> | undefined;
  constructor(typeName: string, build: () => Readonly<Record<keyof S, MethodRow>>) {
    this.typeName = typeName;
    this.#build = build;
  }
  get methods(): readonly DescMethod[] {
    return (this.#methods ??= Object.entries<MethodRow>(this.#build()).map(
      ([localName, [name, methodKind, input, output]]) => ({
        parent: this as unknown as DescService,
        name,
        localName,
        methodKind,
        input,
        output,
      }),
    ));
  }
  /** They by local name. */
  get method(): Methods<S> {
    return (this.#method ??= Object.fromEntries(
      this.methods.map((method) => [method.localName, method]),
    ) as unknown as Methods<S>);
  }
}

type Methods<S> = { readonly [K in keyof S]: S[K] & Pick<DescMethod, "parent" | "name" | "localName"> };

type MethodRow = readonly [name: string, kind: MethodKind, input: DescMessage, output: DescMessage];

/** The table of a message, whose fields are listed when it is first used. */
export function message<M extends Message>(typeName: string, fields: () => readonly Field[]): DescMessage<M> {
  return new DescMessage<M>(typeName, fields);
}

/** The table of a service, whose methods are listed when it is first used. */
export function service<S extends MethodShapes>(
  typeName: string,
  methods: () => Readonly<Record<keyof NoInfer<S>, MethodRow>>,
): DescService<S> {
  return new DescService<S>(typeName, methods);
}

type ValueType = Scalar | DescMessage | EnumNames;

/** A field that is there once. */
export function field(
  number: number,
  name: string,
  type: ValueType,
  options: { readonly oneof?: string; readonly optional?: boolean } = {},
): Field {
  return { ...row(number, name, "one", type), oneof: options.oneof, optional: options.optional ?? false };
}

/** A repeated field. */
export function list(number: number, name: string, type: ValueType): Field {
  return row(number, name, "list", type);
}

/** A map. */
export function map(number: number, name: string, key: Scalar, type: ValueType): Field {
  return { ...row(number, name, "map", type), key };
}

function row(number: number, name: string, kind: Field["kind"], type: ValueType): Field {
  const isMessage = type instanceof DescMessage;
  const isScalar = typeof type === "string";
  return {
    number,
    name,
    localName: name.replaceAll(/_(.)/g, (_, next: string) => next.toUpperCase()),
    kind,
    key: undefined,
    scalar: isMessage ? undefined : isScalar ? type : "int32",
    message: isMessage ? type : undefined,
    enum: isMessage || isScalar ? undefined : type,
    oneof: undefined,
    optional: false,
  };
}
