/** Who is signed in at this browser: asked for at the start, begun with a token, ended on request. */
import type { SessionDocument } from "./api/documents.ts";
import { failureOf, fetchJson } from "./api/fetch-json.ts";

export type SessionState =
  | { readonly kind: "asking" }
  | { readonly kind: "signed_out" }
  | { readonly kind: "away"; readonly message: string }
  | { readonly kind: "signed_in"; readonly session: SessionDocument };

export async function askSession(): Promise<SessionState> {
  try {
    return { kind: "signed_in", session: await fetchJson<SessionDocument>("/auth/session") };
  } catch (cause) {
    const { kind, message } = failureOf(cause);
    return kind === "signed_out" ? { kind: "signed_out" } : { kind: "away", message };
  }
}

/** Rejects with ApiFailure. The token is sent once and kept nowhere. */
export async function signIn(token: string): Promise<SessionState> {
  const session = await fetchJson<SessionDocument>("/auth/login", {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  return { kind: "signed_in", session };
}

/** Also where the control plane does not answer: the page forgets what it showed. */
export async function signOut({ csrfToken }: SessionDocument): Promise<void> {
  try {
    await fetchJson("/auth/logout", { method: "POST", headers: { "weft-csrf": csrfToken } });
  } catch (cause) {
    const { kind } = failureOf(cause);
    if (kind === "away" || kind === "broken") throw cause;
  }
}

export interface SignInMethods {
  readonly oidc: boolean;
}

export async function askMethods(): Promise<SignInMethods> {
  try {
    return await fetchJson<SignInMethods>("/auth/methods");
  } catch {
    return { oidc: false };
  }
}
