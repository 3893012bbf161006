import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** How a test registry guards itself. */
export type TestAuth =
  | { readonly type: "basic"; readonly users: Readonly<Record<string, string>> }
  | {
      readonly type: "bearer";
      readonly users: Readonly<Record<string, string>>;
      /** Refresh tokens, by the user whose they are. */
      readonly identityTokens?: Readonly<Record<string, string>>;
      /** Whether anybody may pull. */
      readonly publicPull?: boolean;
      /** Whether the token server knows OAuth2 POST; without, it answers 404 to it. */
      readonly oauth?: boolean;
      readonly expiresInSeconds?: number;
      /** What a user may do with a repository; everything when left out. `undefined` stands for nobody. */
      readonly allows?: (user: string | undefined, repository: string, action: "pull" | "push") => boolean;
    };

/** What to tell somebody who may not. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly challenge: string;
}

/** Checks logins and tokens, and gives tokens out. */
export class Access {
  readonly #auth: TestAuth | undefined;
  readonly #realm: string;
  readonly #tokens = new Map<string, { readonly scopes: readonly string[]; readonly goodUntil: number }>();
  constructor(auth: TestAuth | undefined, realm: string) {
    this.#auth = auth;
    this.#realm = realm;
  }
  /** Forgets all tokens, as if they had ended. */
  revokeTokens(): void {
    this.#tokens.clear();
  }
  /** @returns `undefined` when the request may go on */
  check(request: IncomingMessage, repository: string, action: "pull" | "push"): Refusal | undefined {
    const auth = this.#auth;
    if (!auth) return undefined;
    const [scheme = "", value = ""] = (request.headers.authorization ?? "").split(" ");
    if (auth.type === "basic") {
      return scheme === "Basic" && isUser(auth.users, value)
        ? undefined
        : { status: 401, challenge: `Basic realm="test"` };
    }
    // The API's base belongs to no repository: any token opens it.
    if (repository === "" && scheme === "Bearer" && this.#tokens.has(value)) return undefined;
    const wanted = `repository:${repository}:${action === "push" ? "pull,push" : "pull"}`;
    const challenge = `Bearer realm="${this.#realm}",service="test-service",scope="${wanted}"`;
    const token = scheme === "Bearer" ? this.#tokens.get(value) : undefined;
    if (!token || token.goodUntil < Date.now())
      return { status: 401, challenge: value ? `${challenge},error="invalid_token"` : challenge };
    const granted = token.scopes.includes(`repository:${repository}:${action}`);
    return granted ? undefined : { status: 401, challenge: `${challenge},error="insufficient_scope"` };
  }
  /** Answers the token server's requests. */
  grant(
    method: string,
    url: URL,
    authorization: string | undefined,
    form: URLSearchParams,
  ): { status: number; body: unknown } {
    const auth = this.#auth;
    if (auth?.type !== "bearer") return { status: 404, body: {} };
    if (method === "POST") {
      if (!(auth.oauth ?? true)) return { status: 404, body: "404 page not found" };
      const user = userOfForm(auth, form);
      if (user === undefined) return { status: 401, body: { details: "incorrect username or password" } };
      return this.#issue(auth, user, (form.get("scope") ?? "").split(" "), "access_token");
    }
    const basic = authorization?.startsWith("Basic ") ? authorization.slice("Basic ".length) : undefined;
    if (basic !== undefined && !isUser(auth.users, basic))
      return { status: 401, body: { details: "incorrect username or password" } };
    const user = basic === undefined ? undefined : (decodeBasic(basic)[0] as string);
    const granted = this.#issue(auth, user, url.searchParams.getAll("scope"), "token");
    const [refreshToken] = Object.entries(auth.identityTokens ?? {}).find(([, owner]) => owner === user) ?? [];
    if (refreshToken === undefined || url.searchParams.get("offline_token") !== "true") return granted;
    return { ...granted, body: { ...(granted.body as object), refresh_token: refreshToken } };
  }
  #issue(
    auth: TestAuth & { type: "bearer" },
    user: string | undefined,
    scopes: readonly string[],
    field: string,
  ): { status: number; body: unknown } {
    const token = randomBytes(12).toString("hex");
    const seconds = auth.expiresInSeconds ?? 300;
    const granted = scopes.flatMap((scope) => {
      const [, repository = "", actions = ""] = /^repository:(.+):([^:]*)$/.exec(scope) ?? [];
      return actions
        .split(",")
        .filter((action) => mayDo(auth, user, repository, action as "pull" | "push"))
        .map((action) => `repository:${repository}:${action}`);
    });
    this.#tokens.set(token, { scopes: granted, goodUntil: Date.now() + seconds * 1000 });
    return { status: 200, body: { [field]: token, expires_in: seconds, issued_at: new Date().toISOString() } };
  }
}

function mayDo(
  auth: TestAuth & { type: "bearer" },
  user: string | undefined,
  repository: string,
  action: "pull" | "push",
): boolean {
  if (user === undefined && !(auth.publicPull && action === "pull")) return false;
  return auth.allows?.(user, repository, action) ?? true;
}

function userOfForm(auth: TestAuth & { type: "bearer" }, form: URLSearchParams): string | undefined {
  if (form.get("grant_type") === "refresh_token") return auth.identityTokens?.[form.get("refresh_token") ?? ""];
  const user = form.get("username") ?? "";
  return auth.users[user] !== undefined && auth.users[user] === form.get("password") ? user : undefined;
}

function isUser(users: Readonly<Record<string, string>>, basic: string): boolean {
  const [user = "", password] = decodeBasic(basic);
  return users[user] !== undefined && users[user] === password;
}

function decodeBasic(basic: string): readonly string[] {
  const text = Buffer.from(basic, "base64").toString();
  const colon = text.indexOf(":");
  return [text.slice(0, colon), text.slice(colon + 1)];
}
