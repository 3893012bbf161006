/**
 * Objects as docker buildx sends them to an API server: protobuf in an envelope that says of which kind they are. Of each message the fields that
 * builders have something to say with are known; with one that is not, decoding fails, so that nothing is lost unseen.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export function decodeProtobufObject(bytes: Buffer): unknown {
  if (bytes.toString("latin1", 0, 4) !== "k8s\0") throw new Error("not a Kubernetes object in protobuf");
  const envelope = decode(bytes.subarray(4), {
    1: ["type", { 1: "apiVersion", 2: "kind" }],
    2: ["raw", "bytes"],
    3: ["contentEncoding", "ignored"],
    4: ["contentType", "ignored"],
  });
  const { type, raw } = envelope as { type: { apiVersion: string; kind: string }; raw: Buffer };
  const schema = kinds[type.kind];
  if (!schema) throw new Error(`objects of kind ${type.kind} are not known`);
  return { ...type, ...decode(raw, schema) };
}

/** Takes one field of a message; `inline`: its own fields are fields of the message that it is in. */
type Field =
  | string
  | readonly [
      name: string,
      type: Schema | "bytes" | "integer" | "boolean" | "map" | "quantities" | "text" | "ignored",
      how?: "repeated" | "inline",
    ];
type Schema = Readonly<Record<number, Field>>;

const quantity: Schema = { 1: "string" };
const metadata: Schema = {
  1: "name",
  2: "generateName",
  3: "namespace",
  4: "selfLink",
  5: "uid",
  6: "resourceVersion",
  7: ["generation", "integer"],
  8: ["creationTimestamp", "ignored"],
  11: ["labels", "map"],
  12: ["annotations", "map"],
};
const container: Schema = {
  1: "name",
  2: "image",
  4: ["args", "text", "repeated"],
  5: "workingDir",
  7: ["env", { 1: "name", 2: "value" }, "repeated"],
  8: ["resources", { 1: ["limits", "quantities"], 2: ["requests", "quantities"] }],
  9: [
    "volumeMounts",
    { 1: "name", 2: ["readOnly", "boolean"], 3: "mountPath", 4: "subPath", 6: "subPathExpr" },
    "repeated",
  ],
  11: [
    "readinessProbe",
    {
      1: ["handler", { 1: ["exec", { 1: ["command", "text", "repeated"] }] }, "inline"],
      2: ["initialDelaySeconds", "integer"],
      3: ["timeoutSeconds", "integer"],
      4: ["periodSeconds", "integer"],
      5: ["successThreshold", "integer"],
      6: ["failureThreshold", "integer"],
    },
  ],
  13: "terminationMessagePath",
  14: "imagePullPolicy",
  15: ["securityContext", { 2: ["privileged", "boolean"], 11: ["seccompProfile", { 1: "type" }] }],
  16: ["stdin", "boolean"],
  17: ["stdinOnce", "boolean"],
  18: ["tty", "boolean"],
  20: "terminationMessagePolicy",
};
const volumeSource: Schema = {
  2: ["emptyDir", { 1: "medium", 2: ["sizeLimit", "quantities"] }],
  19: ["configMap", { 1: ["reference", { 1: "name" }, "inline"] }],
};
const podSpec: Schema = {
  1: ["volumes", { 1: "name", 2: ["source", volumeSource, "inline"] }, "repeated"],
  2: ["containers", container, "repeated"],
  3: "restartPolicy",
  6: "dnsPolicy",
  7: ["nodeSelector", "map"],
  8: "serviceAccountName",
  9: ["serviceAccount", "ignored"], // the former name of the same
  10: "nodeName",
  11: ["hostNetwork", "boolean"],
  12: ["hostPID", "boolean"],
  13: ["hostIPC", "boolean"],
  16: "hostname",
  17: "subdomain",
  19: "schedulerName",
  20: ["initContainers", container, "repeated"],
  22: [
    "tolerations",
    { 1: "key", 2: "operator", 3: "value", 4: "effect", 5: ["tolerationSeconds", "integer"] },
    "repeated",
  ],
  24: "priorityClassName",
};
const kinds: Readonly<Record<string, Schema>> = {
  ConfigMap: { 1: ["metadata", metadata], 2: ["data", "map"] },
  Deployment: {
    1: ["metadata", metadata],
    2: [
      "spec",
      {
        1: ["replicas", "integer"],
        2: ["selector", { 1: ["matchLabels", "map"] }],
        3: ["template", { 1: ["metadata", metadata], 2: ["spec", podSpec] }],
        4: ["strategy", "ignored"],
        5: ["minReadySeconds", "integer"],
        7: ["paused", "boolean"],
      },
    ],
    3: ["status", "ignored"],
  },
};

/** What is empty or zero is left out, as it is in objects in JSON. */
function decode(bytes: Buffer, schema: Schema): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const { number, value } of fieldsOf(bytes)) {
    const field = schema[number];
    if (field === undefined) throw new Error(`field ${number} is not known beside ${Object.keys(message).join()}`);
    const [name, type, how] = typeof field === "string" ? ([field, "text"] as const) : field;
    if (type === "ignored") continue;
    const decoded = decodeValue(value, type, message[name]);
    if (how === "inline") Object.assign(message, decoded);
    else if (how === "repeated") message[name] = [...((message[name] as unknown[] | undefined) ?? []), decoded];
    else if (decoded !== "" && decoded !== 0 && decoded !== false) message[name] = decoded;
  }
  return message;
}

function decodeValue(value: Buffer | number, type: Exclude<Field, string>[1], before: unknown): unknown {
  if (typeof value === "number") return type === "boolean" ? value !== 0 : value;
  if (type === "text") return value.toString("utf8");
  if (type === "bytes") return value;
  if (type === "map") {
    const { key = "", value: text = "" } = decode(value, { 1: "key", 2: "value" }) as Record<string, string>;
    return { ...(before as object | undefined), [key]: text };
  }
  if (type === "quantities") {
    // either one quantity, or an entry of a map of them
    const [first, second] = fieldsOf(value);
    const key = first?.value.toString() ?? "";
    if (second === undefined) return key;
    return { ...(before as object | undefined), [key]: decode(second.value as Buffer, quantity)["string"] };
  }
  if (typeof type === "string") throw new Error(`${type} wants a number`);
  return decode(value, type);
}

/** The fields of a message, in order. @see https://protobuf.dev/programming-guides/encoding/ */
function fieldsOf(bytes: Buffer): readonly { readonly number: number; readonly value: Buffer | number }[] {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the message ends too early");
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  const fields: { number: number; value: Buffer | number }[] = [];
  while (at < bytes.byteLength) {
    const tag = varint();
    const [number, wire] = [Math.floor(tag / 8), tag & 7];
    if (wire === 0) fields.push({ number, value: varint() });
    else if (wire === 2) {
      const size = varint();
      fields.push({ number, value: bytes.subarray(at, (at += size)) });
    } else throw new Error(`wire type ${wire} is not known`);
  }
  return fields;
}
