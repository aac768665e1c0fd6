/** What becomes of the token that a request brings. */
import type { Hop, Outcome } from "../api/index.ts";
import type { AdmissionRequest, Claims } from "../decide/index.ts";
import type { JwtAuthentication } from "../model/index.ts";
import { refusal } from "./hop-draft.ts";
import type { Scene } from "./scene.ts";

export interface TokenResult {
  readonly view: Hop["token"];
  readonly claims: Claims | undefined;
  readonly refused: Outcome | undefined;
  readonly depends: readonly string[];
}

export interface TokenQuestion {
  readonly asked: AdmissionRequest;
  /** Claims in the place of a token. */
  readonly given: Claims | undefined;
  readonly carries: "http" | "grpc" | "bytes";
}

export function judgeToken(
  scene: Scene,
  jwt: JwtAuthentication | undefined,
  { asked, given, carries }: TokenQuestion,
): TokenResult {
  const claims = asked.http === undefined ? undefined : given;
  if (jwt === undefined || (jwt.providers.length === 0 && !jwt.required)) {
    return { view: undefined, claims: undefined, refused: undefined, depends: [] };
  }
  const source = scene.source(jwt.requiredBy ?? jwt.providers[0]?.source);
  const common = { isRequired: jwt.required, ...(source === undefined ? {} : { source }) };
  if (claims !== undefined) {
    return { view: { state: "assumed", ...common }, claims, refused: undefined, depends: [] };
  }
  if (!jwt.required) {
    return { view: { state: "absent", ...common }, claims: undefined, refused: undefined, depends: [] };
  }
  return {
    view: { state: "absent", ...common },
    claims: undefined,
    refused: refusal("jwt_missing", "no token", { carries, by: source }),
    depends: [],
  };
}
