/** All listeners of a Gateway: its own, those of the ListenerSets that it lets in, and what other Gateways leave of its ports. */
import { compareAddresses, gatewayAddresses } from "./gateway-addresses.ts";
import type { GatewayInput, ListenerSetInput } from "./gateway-input.ts";
import { gatewayProblem, requiresProxyProtocol } from "./gateway-problem.ts";
import type { InputReader } from "./inputs.ts";
import { type DeclaredListener, declareListener, isSelected, type Listener } from "./listener.ts";
import { type Claim, judgeListeners } from "./listener-conflicts.ts";
import { compareText } from "./resource.ts";

export function allowsSet(inputs: InputReader, gateway: GatewayInput, set: ListenerSetInput): boolean {
  const choice = gateway.spec.allowedListeners?.namespaces ?? { from: "None" };
  return isSelected(inputs, choice, {
    own: gateway.metadata.namespace,
    namespace: set.metadata.namespace,
  });
}

/** Those that the Gateway lets in, in order of precedence. */
function allowedSets(inputs: InputReader, key: string, gateway: GatewayInput): ListenerSetInput[] {
  return inputs
    .listenerSetsOf(key)
    .filter((set) => allowsSet(inputs, gateway, set))
    .toSorted(compareSets);
}

function compareSets({ metadata: a }: ListenerSetInput, { metadata: b }: ListenerSetInput): number {
  return (
    Date.parse(a.creationTimestamp) - Date.parse(b.creationTimestamp) ||
    compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`)
  );
}

export function gatewayOwnListeners({ metadata, spec }: GatewayInput): DeclaredListener[] {
  const owner = { kind: "Gateway", namespace: metadata.namespace, name: metadata.name } as const;
  return spec.listeners.map((input) => declareListener(owner, input));
}

export function setListeners({ metadata, spec }: ListenerSetInput): DeclaredListener[] {
  const owner = { kind: "ListenerSet", namespace: metadata.namespace, name: metadata.name } as const;
  return spec.listeners.map((input) => declareListener(owner, input));
}

/** In order of precedence: the Gateway's own first. */
export function gatewayListeners(inputs: InputReader, key: string, gateway: GatewayInput): Listener[] {
  return judgeListeners(declaredListeners(inputs, key, gateway), claimsBefore(inputs, key, gateway));
}

function declaredListeners(inputs: InputReader, key: string, gateway: GatewayInput): DeclaredListener[] {
  return [...gatewayOwnListeners(gateway), ...allowedSets(inputs, key, gateway).flatMap(setListeners)];
}

/**
 * What Gateways whose names come first have taken where this one listens. Proxies see Gateways in the same order, and one
 * after another, since a listener that was refused takes nothing from the next.
 */
function claimsBefore(inputs: InputReader, key: string, gateway: GatewayInput): Claim[] {
  const host = inputs.gatewayHost();
  const own = gatewayAddresses(gateway, host).listened;
  const before: Earlier[] = [];
  const claimsAgainst = (later: GatewayInput, addresses: readonly string[]): Claim[] =>
    before.flatMap((other) => {
      const relation = compareAddresses(other.addresses, addresses, host);
      if (relation === "apart") return [];
      const isExclusive =
        relation === "overlapping" || requiresProxyProtocol(other.input) !== requiresProxyProtocol(later);
      return other.taken.map((listener) => ({ gateway: other.key, listener, isExclusive }));
    });
  for (const other of inputs.gatewaysBefore(key)) {
    const input = inputs.ownGateway(other);
    if (input === undefined || gatewayProblem(input) !== undefined) continue;
    const { listened, isNowhere } = gatewayAddresses(input, host);
    if (isNowhere || compareAddresses(listened, own, host) === "apart") continue;
    const judged = judgeListeners(declaredListeners(inputs, other, input), claimsAgainst(input, listened));
    before.push({
      key: other,
      input,
      addresses: listened,
      taken: judged.filter(({ problem }) => problem === undefined),
    });
  }
  return claimsAgainst(gateway, own);
}

interface Earlier {
  readonly key: string;
  readonly input: GatewayInput;
  readonly addresses: readonly string[];
  readonly taken: readonly Listener[];
}
