/** STAND-IN until the engine of authorization is merged: identities, methods, paths and namespaces only. */
import type { AdmissionRequest } from "../../decide/index.ts";
import {
  type Authorization,
  AuthorizationAction,
  type AuthorizationPolicy,
  type AuthorizationRule,
  type ExternalAuthorization,
  type Source,
} from "../../model/index.ts";

export interface DecidedBy {
  readonly source: Source | undefined;
  readonly rule: string;
  readonly action: AuthorizationAction;
}

export interface AuthorizationNote extends DecidedBy {
  readonly verdict: "audited" | "would_deny";
}

export type AuthorizationVerdict =
  | { readonly verdict: "allow"; readonly by: DecidedBy | undefined }
  | { readonly verdict: "deny"; readonly by: DecidedBy | undefined; readonly hint: string }
  | {
      readonly verdict: "ask";
      readonly custom: readonly { readonly external: ExternalAuthorization; readonly by: DecidedBy }[];
    };

export class AuthorizationTable {
  readonly #authorization: Authorization;

  private constructor(authorization: Authorization) {
    this.#authorization = authorization;
  }

  static prepare(
    authorization: Authorization,
    _mesh: { readonly trustDomain: string; readonly trustDomainAliases: readonly string[] },
  ): AuthorizationTable {
    return new AuthorizationTable(authorization);
  }

  get needsHttp(): boolean {
    return this.#authorization.policies.some((policy) => policy.rules.some((rule) => rule.to.length > 0));
  }

  decide(request: AdmissionRequest, note: (deed: AuthorizationNote) => void): AuthorizationVerdict {
    for (const [policy, rule] of this.#matching(request, AuthorizationAction.DENY, true)) {
      if (!policy.dryRun) {
        return { verdict: "deny", by: by(policy, rule), hint: "change the policy, or who calls" };
      }
      note({ ...by(policy, rule), verdict: "would_deny" });
    }
    const custom = this.#matching(request, AuthorizationAction.CUSTOM, true);
    if (custom.length > 0) {
      return {
        verdict: "ask",
        custom: custom.flatMap(([policy, rule]) =>
          policy.external === undefined ? [] : [{ external: policy.external, by: by(policy, rule) }],
        ),
      };
    }
    return this.afterCustom(request, note);
  }

  afterCustom(request: AdmissionRequest, _note: (deed: AuthorizationNote) => void): AuthorizationVerdict {
    const allows = this.#authorization.policies.filter(({ action }) => action === AuthorizationAction.ALLOW);
    const [first] = this.#matching(request, AuthorizationAction.ALLOW, false);
    if (first !== undefined) return { verdict: "allow", by: by(...first) };
    if (allows.length === 0 && !this.#authorization.defaultDeny) return { verdict: "allow", by: undefined };
    return { verdict: "deny", by: undefined, hint: "no allow policy matches" };
  }

  #matching(
    request: AdmissionRequest,
    action: AuthorizationAction,
    without: boolean,
  ): [AuthorizationPolicy, AuthorizationRule][] {
    return this.#authorization.policies
      .filter((policy) => policy.action === action)
      .flatMap((policy) =>
        policy.rules
          .filter((rule) => matches(rule, request, without))
          .map((rule): [AuthorizationPolicy, AuthorizationRule] => [policy, rule]),
      );
  }
}

function by(policy: AuthorizationPolicy, rule: AuthorizationRule): DecidedBy {
  return { source: policy.source, rule: rule.name, action: policy.action };
}

function matches(rule: AuthorizationRule, { caller, http }: AdmissionRequest, without: boolean): boolean {
  const isFrom =
    rule.from.length === 0 ||
    rule.from.some(({ identities }) => identities.some((each) => caller.identity.endsWith(`/${each}`)));
  if (!isFrom) return false;
  if (rule.to.length === 0) return true;
  if (http === undefined) return without;
  return rule.to.some(
    ({ methods, paths }) =>
      (methods.length === 0 || methods.includes(http.method)) &&
      (paths.length === 0 || paths.some((path) => isPattern(path, http.path))),
  );
}

function isPattern(pattern: string, text: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
