import { described, reflection, reflectionV1Alpha } from "../../api/mod.ts";
import type { MessageInitShape } from "../../base/protobuf/mod.ts";
import { type Route, service } from "../../rpc/mod.ts";

type Request = reflection.ServerReflectionRequest | reflectionV1Alpha.ServerReflectionRequest;
type Answer = MessageInitShape<typeof reflection.ServerReflectionResponseSchema>["messageResponse"];
type DescribedFile = described.DescribedFile;

/** gRPC's code for what is not there. */
const notFound = 5;

/**
 * Server reflection, in both its versions: what services there are and what their messages look like, for programs such as grpcurl that know neither.
 * @param routes of all other services that the server has
 */
export function reflectionService(routes: readonly Route[]): readonly Route[] {
  const own = [reflection.ServerReflection.typeName, reflectionV1Alpha.ServerReflection.typeName];
  const served = routes.map(({ path }) => path.slice(1, path.lastIndexOf("/")));
  const names = [...new Set([...served, ...own])].toSorted();
  const byName = new Map(described.files.map((file) => [file.name, file]));
  const bySymbol = new Map(described.files.flatMap((file) => file.symbols.map((symbol) => [symbol, file] as const)));
  const answer = ({ messageRequest: { case: question, value } }: Request): Answer => {
    switch (question) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: names.map((name) => ({ name })) } };
      case "fileByFilename":
        return filesFor(byName.get(value), value);
      case "fileContainingSymbol":
        return filesFor(bySymbol.get(value), value);
      case "allExtensionNumbersOfType":
        if (!bySymbol.has(value)) return missing(value);
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: value } }; // proto3 has no extensions
      case "fileContainingExtension":
        return missing(`extension ${value.extensionNumber} of ${value.containingType}`);
      default:
        return { case: "errorResponse", value: { errorCode: 3, errorMessage: "invalid MessageRequest" } };
    }
  };
  /** The file, and those that it needs, since a caller may have none of them. */
  const filesFor = (file: DescribedFile | undefined, asked: string): Answer => {
    if (!file) return missing(asked);
    const needed = new Set([file]);
    for (const { dependencies } of needed) {
      for (const name of dependencies) needed.add(byName.get(name) as DescribedFile);
    }
    const fileDescriptorProto = [...needed].map(({ descriptor }) => Buffer.from(descriptor, "base64"));
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
  };
  const handlers = {
    async *serverReflectionInfo(requests: AsyncIterable<Request>) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) };
      }
    },
  };
  return [...service(reflection.ServerReflection, handlers), ...service(reflectionV1Alpha.ServerReflection, handlers)];
}

function missing(what: string): Answer {
  return { case: "errorResponse", value: { errorCode: notFound, errorMessage: `${what} not found` } };
}
