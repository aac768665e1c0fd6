/** Which requests a rule is about, in the form that proxies run. Schemas have checked everything but the conditions. */
import { requestFields, tokenFields } from "../../api/index.ts";
import type { AuthorizationRuleSchema, CallerMatchSchema, OperationMatchSchema } from "../../model/index.ts";
import type { InitOf } from "../resource.ts";
import { readCondition } from "./condition.ts";
import type { ExpressionContent } from "./expression-shape.ts";
import type { AccessInput } from "./security-input.ts";

type Caller = NonNullable<AccessInput["from"]>[number];
type Operation = NonNullable<AccessInput["to"]>[number];
type RuleContent = InitOf<typeof AuthorizationRuleSchema>;

export interface CompiledAccess {
  readonly content: RuleContent;
  /** No raw connection has what it asks for. */
  readonly needsHttp: boolean;
}

/** `field`: where it stands; what is the matter with its conditions is added to `invalid`. */
export function compileAccess(
  name: string,
  { from = [], to = [], when = [] }: AccessInput,
  field: string,
  invalid: string[],
): CompiledAccess {
  const conditions: ExpressionContent[] = [];
  let needsHttp =
    isNeeded(from, (caller) => tokenFields.some((each) => caller[each] !== undefined)) ||
    isNeeded(to, (operation) => requestFields.some((each) => operation[each] !== undefined));
  for (const [index, text] of when.entries()) {
    const read = readCondition(text);
    if ("problem" in read) {
      invalid.push(`${field}.when[${index}]: ${read.problem}`);
      continue;
    }
    conditions.push(read.expression);
    needsHttp ||= read.needsHttp;
  }
  return {
    content: {
      name,
      from: from.map(compileCaller),
      to: to.map(compileOperation),
      when: conditions,
      whenTexts: [...when],
    },
    needsHttp,
  };
}

/** Any of them is enough, so it is needed where each of them needs it. */
function isNeeded<T>(alternatives: readonly T[], needs: (alternative: T) => boolean): boolean {
  return alternatives.length > 0 && alternatives.every(needs);
}

function compileCaller(caller: Caller): InitOf<typeof CallerMatchSchema> {
  return {
    identities: list(caller.identities),
    notIdentities: list(caller.notIdentities),
    namespaces: list(caller.namespaces),
    notNamespaces: list(caller.notNamespaces),
    serviceAccounts: list(caller.serviceAccounts),
    notServiceAccounts: list(caller.notServiceAccounts),
    trustDomains: list(caller.trustDomains),
    notTrustDomains: list(caller.notTrustDomains),
    ipBlocks: list(caller.ipBlocks),
    notIpBlocks: list(caller.notIpBlocks),
    remoteIpBlocks: list(caller.remoteIpBlocks),
    notRemoteIpBlocks: list(caller.notRemoteIpBlocks),
    jwtPrincipals: list(caller.jwtPrincipals),
    notJwtPrincipals: list(caller.notJwtPrincipals),
  };
}

function compileOperation(operation: Operation): InitOf<typeof OperationMatchSchema> {
  return {
    methods: list(operation.methods),
    notMethods: list(operation.notMethods),
    paths: list(operation.paths),
    notPaths: list(operation.notPaths),
    hosts: lower(operation.hosts),
    notHosts: lower(operation.notHosts),
    ports: list(operation.ports),
    notPorts: list(operation.notPorts),
    serverNames: lower(operation.serverNames),
    notServerNames: lower(operation.notServerNames),
    grpcServices: list(operation.grpcServices),
    notGrpcServices: list(operation.notGrpcServices),
    grpcMethods: list(operation.grpcMethods),
    notGrpcMethods: list(operation.notGrpcMethods),
    headers: headerPatterns(operation.headers),
    notHeaders: headerPatterns(operation.notHeaders),
  };
}

function list<T>(values: readonly T[] | undefined): T[] {
  return [...(values ?? [])];
}

function lower(texts: readonly string[] | undefined): string[] {
  return (texts ?? []).map((each) => each.toLowerCase());
}

function headerPatterns(headers: Operation["headers"]) {
  return (headers ?? []).map(({ name, value }) => ({ name: name.toLowerCase(), value }));
}
