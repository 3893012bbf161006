import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { sourcepolicy } from "../../api/mod.ts";
import { create, type MessageInitShape } from "../../base/protobuf/mod.ts";
import { BuildError, messageOf } from "../../base/errors/mod.ts";

/** Names the file of rules about the sources of builds, as for docker buildx. */
const variable = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY";

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the rules that the environment names.
 * @returns `undefined` when it names none
 * @throws {BuildError} `invalid_argument`, naming the file
 */
export async function readSourcePolicy({
  env,
  cwd,
}: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}): Promise<sourcepolicy.Policy | undefined> {
  const path = env[variable];
  if (!path) return undefined;
  try {
    return parse(JSON.parse(await readFile(resolve(cwd, path), "utf8")) as Json);
  } catch (cause) {
    const message = `failed to read the source policy ${path} (${variable}): ${messageOf(cause)}`;
    throw new BuildError("invalid_argument", message, { cause });
  }
}

function parse(json: Json): sourcepolicy.Policy {
  const { PolicySchema, PolicyAction } = sourcepolicy;
  return create(PolicySchema, {
    version: BigInt(numberOf(json["version"], "version")),
    rules: listOf(json["rules"], "rules").map((value) => {
      const rule = objectOf(value, "rule");
      const { updates } = rule;
      return {
        action: enumOf(rule["action"], PolicyAction, "action"),
        selector: selectorOf(objectOf(rule["selector"], "selector")),
        ...(updates ? { updates: updatesOf(objectOf(updates, "updates")) } : {}),
      };
    }),
  });
}

function selectorOf(json: Json): MessageInitShape<typeof sourcepolicy.SelectorSchema> {
  const { MatchType, AttrMatch } = sourcepolicy;
  return {
    identifier: textOf(json["identifier"], "identifier"),
    matchType: enumOf(json["match_type"] ?? json["matchType"], MatchType, "match_type"),
    constraints: listOf(json["constraints"], "constraints").map((value) => {
      const constraint = objectOf(value, "constraint");
      return {
        key: textOf(constraint["key"], "key"),
        value: textOf(constraint["value"], "value"),
        condition: enumOf(constraint["condition"], AttrMatch, "condition"),
      };
    }),
  };
}

function updatesOf(json: Json): MessageInitShape<typeof sourcepolicy.UpdateSchema> {
  const attrs = json["attrs"] === undefined ? {} : objectOf(json["attrs"], "attrs");
  return {
    identifier: textOf(json["identifier"], "identifier"),
    attrs: Object.fromEntries(Object.entries(attrs).map(([key, value]) => [key, textOf(value, `attrs.${key}`)])),
  };
}

/** By name, whatever its case, or by number; what is not there is the first. */
function enumOf<E extends Readonly<Record<string, number>>>(value: unknown, names: E, what: string): E[keyof E] {
  const known = Object.entries(names);
  const found = known.find(([name, number]) =>
    typeof value === "string" ? name === value.toUpperCase() : number === (value ?? 0),
  );
  if (found) return found[1] as E[keyof E];
  throw new Error(`unknown ${what} ${JSON.stringify(value)}, want ${known.map(([name]) => name).join(", ")}`);
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new Error(`${what} is not an object`);
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value as unknown[];
  throw new Error(`${what} is not a list`);
}

function textOf(value: unknown, what: string): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  throw new Error(`${what} is not a text`);
}

function numberOf(value: unknown, what: string): number {
  if (value === undefined) return 0;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new Error(`${what} is not a number`);
}
