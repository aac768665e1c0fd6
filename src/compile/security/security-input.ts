/** The parts of policies of security and rate that compile reads, by the names that it uses for them. */
import type { Access, StoredOfKind } from "../../api/index.ts";

export type AuthorizationInput = StoredOfKind<"AuthorizationPolicy">;
export type AuthenticationInput = StoredOfKind<"AuthenticationPolicy">;
export type RateLimitInput = StoredOfKind<"RateLimitPolicy">;
export type SecurityInput = AuthorizationInput | AuthenticationInput | RateLimitInput;
export type SecurityKind = SecurityInput["kind"];
export type TargetReference = NonNullable<SecurityInput["spec"]["targetRefs"]>[number];
export type AccessInput = Access;
export type JwtInput = NonNullable<AuthenticationInput["spec"]["jwt"]>;
export type CustomInput = NonNullable<AuthorizationInput["spec"]["custom"]>;
export type LimitInput = RateLimitInput["spec"]["limits"][number];

/** For people and for sources. */
export function nameOf({ kind, metadata: { namespace, name } }: SecurityInput): string {
  return `${kind} ${namespace}/${name}`;
}

export function sourceOf({ kind, metadata: { namespace, name } }: SecurityInput, section = "") {
  return { kind, namespace, name, section };
}
