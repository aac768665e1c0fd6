/** An AuthorizationPolicy in the form that proxies run, apart from where it is attached and from whom it asks. */
import { milliseconds } from "../../api/index.ts";
import {
  AuthorizationAction,
  type AuthorizationPolicySchema,
  type ExternalAuthorizationSchema,
  ExternalAuthorizationProtocol,
} from "../../model/index.ts";
import type { Prepared } from "../policy/policy-index.ts";
import { type InitOf, sortedRecord } from "../resource.ts";
import { type CompiledAccess, compileAccess } from "./access.ts";
import { type AuthorizationInput, type CustomInput, sourceOf } from "./security-input.ts";

export type AuthorizationContent = InitOf<typeof AuthorizationPolicySchema>;
export type ExternalContent = InitOf<typeof ExternalAuthorizationSchema>;

export interface PreparedAuthorization {
  readonly policy: AuthorizationInput;
  readonly content: AuthorizationContent;
  readonly rules: readonly CompiledAccess[];
}

const actions: Readonly<Record<AuthorizationInput["spec"]["action"], AuthorizationAction>> = {
  Allow: AuthorizationAction.ALLOW,
  Deny: AuthorizationAction.DENY,
  Custom: AuthorizationAction.CUSTOM,
  Audit: AuthorizationAction.AUDIT,
};

/**
 * What cannot be read fails closed where no version could ever be read: a rule that allows is left out, and of any other
 * rule the conditions are, so that it matches more.
 */
export function prepareAuthorization(policy: AuthorizationInput): Prepared<PreparedAuthorization> {
  const invalid: string[] = [];
  const readable: CompiledAccess[] = [];
  const rules = policy.spec.rules.map((rule, index) => {
    const before = invalid.length;
    const compiled = compileAccess(rule.name ?? `rules[${index}]`, rule, `spec.rules[${index}]`, invalid);
    if (invalid.length === before || policy.spec.action !== "Allow") readable.push(compiled);
    return compiled;
  });
  return invalid.length > 0
    ? { problem: invalid.join("; "), fallback: preparedOf(policy, readable) }
    : { value: preparedOf(policy, rules) };
}

function preparedOf(policy: AuthorizationInput, rules: readonly CompiledAccess[]): PreparedAuthorization {
  const content: AuthorizationContent = {
    source: sourceOf(policy),
    action: actions[policy.spec.action],
    dryRun: policy.spec.mode === "DryRun",
    rules: rules.map((rule) => rule.content),
  };
  return { policy, content, rules };
}

const protocols = {
  GRPC: ExternalAuthorizationProtocol.GRPC,
  HTTP: ExternalAuthorizationProtocol.HTTP,
} as const;

/** Everything but the cluster. */
export function compileCustom(policy: AuthorizationInput, custom: CustomInput): ExternalContent {
  const { body, headers = [], answerHeaders = [], context = {} } = custom;
  return {
    source: sourceOf(policy, "custom"),
    protocol: protocols[custom.protocol],
    timeoutMs: milliseconds(custom.timeout) ?? 0,
    failsOpen: custom.failOpen,
    errorStatus: custom.statusOnError,
    maxBodyBytes: body?.maxBytes ?? 0,
    takesPartialBody: body?.allowPartial ?? false,
    requestHeaders: headers.map((each) => each.toLowerCase()),
    answerHeaders: answerHeaders.map((each) => each.toLowerCase()),
    pathPrefix: custom.pathPrefix ?? "",
    context: sortedRecord(context),
  };
}

export function isDeciding({ content }: PreparedAuthorization): boolean {
  return content.dryRun !== true;
}
