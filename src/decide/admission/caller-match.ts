/** Who calls: the conditions of a `CallerMatch`. */
import type { CallerMatch } from "../../model/index.ts";
import { AddressList } from "./address-list.ts";
import {
  type Condition,
  ListConditions,
  type ListField,
  type MembershipTest,
  needsClaims,
  needsHttp,
  needsNothing,
} from "./condition.ts";
import { PatternList } from "./pattern.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Membership } from "./truth.ts";

export function prepareCaller(match: CallerMatch): Condition[] {
  const conditions: Condition[] = [];
  identities.addTo(conditions, match.identities, match.notIdentities);
  namespaces.addTo(conditions, match.namespaces, match.notNamespaces);
  serviceAccounts.addTo(conditions, match.serviceAccounts, match.notServiceAccounts);
  trustDomains.addTo(conditions, match.trustDomains, match.notTrustDomains);
  ipBlocks.addTo(conditions, match.ipBlocks, match.notIpBlocks);
  remoteIpBlocks.addTo(conditions, match.remoteIpBlocks, match.notRemoteIpBlocks);
  jwtPrincipals.addTo(conditions, match.jwtPrincipals, match.notJwtPrincipals);
  return conditions;
}

function ofCaller(name: string, show: ListField["show"]): ListField {
  return { name, needs: needsNothing, show };
}

const showIdentity: ListField["show"] = (facts) => facts.request.caller.identity;

const identities = new ListConditions(ofCaller("identities", showIdentity), prepareIdentities);

/** "*" is any identity, of whichever trust domain; what begins with the scheme is a whole one; else it is this mesh's. */
function prepareIdentities(entries: readonly string[]): MembershipTest {
  const isWhole = (entry: string): boolean => entry === "*" || entry.startsWith("spiffe://");
  const whole = PatternList.ofTexts(entries.filter(isWhole));
  const own = PatternList.ofTexts(entries.filter((entry) => !isWhole(entry)));
  return ({ caller }) => {
    if (caller.identities.length === 0) return "absent";
    let membership: Membership = caller.ownPath === "" ? "no" : own.has(caller.ownPath);
    for (const identity of caller.identities) membership = either(membership, whole.has(identity));
    return membership;
  };
}

const namespaces = new ListConditions(
  ofCaller("namespaces", showIdentity),
  ofText((facts) => facts.caller.namespace),
);

const serviceAccounts = new ListConditions(
  ofCaller("serviceAccounts", showIdentity),
  ofText((facts) => facts.caller.serviceAccount),
);

const trustDomains = new ListConditions<string>(ofCaller("trustDomains", showIdentity), (entries) => {
  const list = PatternList.ofTexts(entries);
  return ({ caller }) => {
    let membership: Membership = "absent";
    for (const domain of caller.trustDomains) membership = either(membership, list.has(domain));
    return membership;
  };
});

const ipBlocks = new ListConditions<string>(
  ofCaller("ipBlocks", (facts) => facts.request.caller.address),
  (entries) => {
    const list = new AddressList(entries);
    return ({ caller }) => list.has(caller.address);
  },
);

/** Known of raw connections too, but it may change from request to request. */
const remoteIpBlocks = new ListConditions<string>(
  { name: "remoteIpBlocks", needs: needsHttp, show: (facts) => facts.request.remoteAddress },
  (entries) => {
    const list = new AddressList(entries);
    return (facts) => list.has(facts.remoteAddress);
  },
);

const jwtPrincipals = new ListConditions<string>(
  { name: "jwtPrincipals", needs: needsClaims, show: (facts) => facts.principal },
  (entries) => {
    const list = PatternList.ofTexts(entries);
    return (facts) => {
      if (facts.request.http === undefined) return "unknown";
      return facts.principal === "" ? "absent" : list.has(facts.principal);
    };
  },
);

function ofText(read: (facts: RequestFacts) => string): (entries: readonly string[]) => MembershipTest {
  return (entries) => {
    const list = PatternList.ofTexts(entries);
    return (facts) => {
      const text = read(facts);
      return text === "" ? "absent" : list.has(text);
    };
  };
}

/** Of two spellings one suffices. */
function either(a: Membership, b: Membership): Membership {
  if (a === "yes" || b === "yes") return "yes";
  if (a === "unknown" || b === "unknown") return "unknown";
  return a === "absent" ? b : a;
}
