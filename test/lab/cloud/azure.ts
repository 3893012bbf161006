import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AzureRefusal, LabBlobs, refuse } from "./block-blobs.ts";
import { bodyOf, type Served, serve } from "./served.ts";

/** A storage account of Azure's, in memory. */
export interface LabAzure extends Served {
  /** `http://127.0.0.1:<port>/<account>`, as Azure's own emulator has it */
  readonly accountUrl: string;
  /** Blobs by `<container>/<name>`, and what happens to them. */
  readonly blobs: LabBlobs;
  readonly containers: Set<string>;
}

/** @param account.key base64 */
export async function startAzure(account: { readonly name: string; readonly key: string }): Promise<LabAzure> {
  const blobs = new LabBlobs();
  const containers = new Set<string>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    try {
      const url = new URL(request.url ?? "", `http://${request.headers.host}`);
      checkSharedKey(request, url, body, account);
      const [, , container = "", ...rest] = decodeURIComponent(url.pathname).split("/");
      if (url.searchParams.get("restype") === "container") {
        const isMade = request.method === "PUT";
        if (isMade && containers.has(container)) throw new AzureRefusal(409, "ContainerAlreadyExists");
        if (!isMade && !containers.has(container)) {
          throw new AzureRefusal(404, "ContainerNotFound", "The specified container does not exist.");
        }
        containers.add(container);
        response.writeHead(isMade ? 201 : 200, { "content-length": "0" }).end();
        return;
      }
      if (!containers.has(container)) throw new AzureRefusal(404, "ContainerNotFound");
      blobs.answer(request, response, [container, ...rest].join("/"), url.searchParams, body);
    } catch (error) {
      if (!(error instanceof AzureRefusal)) throw error;
      refuse(request, response, error);
    }
  };
  const served = await serve((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  return { ...served, accountUrl: `${served.address}/${account.name}`, blobs, containers };
}

/** The scheme "Shared Key", as the reference of Azure's storage services has it, for their versions since 2015. */
function checkSharedKey(
  { method, headers }: IncomingMessage,
  url: URL,
  body: Buffer,
  account: { readonly name: string; readonly key: string },
): void {
  const failed = () =>
    new AzureRefusal(
      403,
      "AuthenticationFailed",
      "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly.",
    );
  const [, name, signature = ""] = /^SharedKey ([^:]+):(.+)$/.exec(headers.authorization ?? "") ?? [];
  if (name !== account.name || !(Math.abs(Date.now() - Date.parse(String(headers["x-ms-date"]))) < 15 * 60_000))
    throw failed();
  const value = (header: string) => String(headers[header] ?? "");
  const canonicalHeaders = Object.keys(headers)
    .filter((header) => header.startsWith("x-ms-"))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((header) => `${header}:${value(header)}\n`)
    .join("");
  const parameters = [...url.searchParams]
    .map(([key, text]) => `\n${key.toLowerCase()}:${text}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join("");
  const stringToSign =
    `${method}\n${value("content-encoding")}\n${value("content-language")}\n${body.byteLength || ""}\n${value("content-md5")}\n` +
    `${value("content-type")}\n\n${value("if-modified-since")}\n${value("if-match")}\n${value("if-none-match")}\n` +
    `${value("if-unmodified-since")}\n${value("range")}\n${canonicalHeaders}/${account.name}${url.pathname}${parameters}`;
  const want = createHmac("sha256", Buffer.from(account.key, "base64")).update(stringToSign).digest();
  const given = Buffer.from(signature, "base64");
  if (given.byteLength !== want.byteLength || !timingSafeEqual(given, want)) throw failed();
}
