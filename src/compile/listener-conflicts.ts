/**
 * Which listeners can be taken together. Within one object all that conflict are refused, as Gateway API says; between
 * objects the first keeps what two claim: the Gateway, then older ListenerSets; at one address the Gateway whose name
 * comes first.
 */
import { coversHostname } from "./hostname.ts";
import {
  type DeclaredListener,
  type Listener,
  type ListenerProblem,
  ownProblem,
  sharesPort,
  transportOf,
} from "./listener.ts";

/** A listener of another Gateway that stands before this one. */
export interface Claim {
  /** "namespace/name" of the Gateway. */
  readonly gateway: string;
  readonly listener: DeclaredListener;
  /** The two cannot share a socket: one has a wildcard address, or only one wants PROXY headers. */
  readonly isExclusive: boolean;
}

/** Listeners of all sets together with the Gateway's own; each costs every proxy a table. */
const maxListeners = 1_024;

/** `declared` in order of precedence, those of one object side by side. */
export function judgeListeners(declared: readonly DeclaredListener[], claims: readonly Claim[]): Listener[] {
  const supported = declared.filter(({ input }) => ownProblem(input) === undefined);
  const gatewayOwn = supported.filter(({ set }) => set === undefined);
  const winners: DeclaredListener[] = [];
  const judged: (DeclaredListener & { problem: ListenerProblem | undefined })[] = [];
  for (const group of groupsOf(declared)) {
    const before = group[0]?.set === undefined ? [] : [...gatewayOwn, ...winners];
    const siblings = group.filter((each) => supported.includes(each));
    const results = group.map((listener, index) => ({
      ...listener,
      problem:
        ownProblem(listener.input) ??
        (judged.length + index < maxListeners ? undefined : tooMany) ??
        findConflict(listener, [...siblings.filter((other) => other !== listener), ...before]) ??
        findClaim(listener, claims),
    }));
    judged.push(...results);
    if (group[0]?.set !== undefined) winners.push(...results.filter(({ problem }) => problem === undefined));
  }
  return judged.map((listener) => ({ ...listener, overlaps: overlapsOf(listener, judged) }));
}

const tooMany: ListenerProblem = {
  reason: "TooManyListeners",
  message: `the Gateway and its ListenerSets have more than ${maxListeners} listeners`,
};

function groupsOf(declared: readonly DeclaredListener[]): DeclaredListener[][] {
  return [...Map.groupBy(declared, ({ set }) => set).values()];
}

function findConflict(
  listener: DeclaredListener,
  rivals: readonly DeclaredListener[],
): ListenerProblem | undefined {
  const { port, protocol } = listener.input;
  const others = rivals.filter((other) => sharesPort(other, listener));
  const foreign = others.find((other) => transportOf(other.input.protocol) !== transportOf(protocol));
  if (foreign !== undefined) {
    return {
      reason: "ProtocolConflict",
      message: `port ${port} cannot speak both ${protocol} and ${foreign.input.protocol}`,
    };
  }
  const twin = others.find((other) => other.hostname === listener.hostname);
  if (twin === undefined) return undefined;
  // Nothing of the other listener is told beyond what both have: it may be somebody else's.
  return twin.input.protocol === protocol
    ? {
        reason: "HostnameConflict",
        message: `another listener has port ${port} and hostname ${listener.hostname} too`,
      }
    : {
        reason: "ProtocolConflict",
        message: `another listener has port ${port} and hostname ${listener.hostname} for ${twin.input.protocol}`,
      };
}

/** Listeners of HTTP are merged by the hostnames of their routes, so only what cannot be merged is a conflict. */
function findClaim(listener: DeclaredListener, claims: readonly Claim[]): ListenerProblem | undefined {
  const transport = transportOf(listener.input.protocol);
  const claim = claims.find(({ listener: other, isExclusive }) => {
    if (!sharesPort(other, listener)) return false;
    if (isExclusive || transportOf(other.input.protocol) !== transport) return true;
    return transport !== "http" && other.hostname === listener.hostname;
  });
  if (claim === undefined) return undefined;
  const { port, protocol } = claim.listener.input;
  return {
    reason: "PortUnavailable",
    message: `Gateway ${claim.gateway} has port ${port} for ${protocol} at the same address; an address of its own in spec.addresses keeps Gateways apart`,
  };
}

/** HTTP connections are used again for other names that their certificate has: those requests belong elsewhere. */
function overlapsOf(
  listener: DeclaredListener & { readonly problem: ListenerProblem | undefined },
  all: readonly (DeclaredListener & { readonly problem: ListenerProblem | undefined })[],
): string[] {
  if (listener.input.protocol !== "HTTPS" || listener.problem !== undefined) return [];
  return all
    .filter(
      (other) =>
        other.input.protocol === "HTTPS" &&
        other.input.port === listener.input.port &&
        other.problem === undefined &&
        other.hostname !== listener.hostname &&
        (coversHostname(other.hostname, listener.hostname) ||
          coversHostname(listener.hostname, other.hostname)),
    )
    .map(({ hostname }) => hostname);
}
