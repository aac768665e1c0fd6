/** What conditions read of a connection's other side, worked out once for each connection. */
import { parseSpiffeId } from "../../kernel/index.ts";
import { addressBytes } from "./address-list.ts";
import type { CallerFacts } from "./request.ts";

export interface TrustDomains {
  readonly trustDomain: string;
  /** Identities of these are identities of the mesh. */
  readonly trustDomainAliases: readonly string[];
}

export class CallerView {
  /** As it is shown, and as this mesh writes it where it is an alias's. None: there is no certificate. */
  readonly identities: readonly string[];
  readonly trustDomains: readonly string[];
  /** Behind the trust domain: "ns/a/sa/b". This and the next two are empty for identities that are not this mesh's. */
  readonly ownPath: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly address: Uint8Array | undefined;

  constructor(caller: CallerFacts, mesh: TrustDomains) {
    const { identity } = caller;
    const slash = identity.indexOf("/", scheme.length);
    const trustDomain =
      identity.startsWith(scheme) && slash > scheme.length ? identity.slice(scheme.length, slash) : "";
    const path = trustDomain === "" ? "" : identity.slice(slash + 1);
    const isOwn = trustDomain === mesh.trustDomain;
    const isAlias = !isOwn && trustDomain !== "" && mesh.trustDomainAliases.includes(trustDomain);
    const parts = isOwn || isAlias ? parseSpiffeId(identity) : undefined;
    this.identities = identity === "" ? [] : [identity];
    this.trustDomains = trustDomain === "" ? [] : [trustDomain];
    if (isAlias) {
      this.identities = [identity, `${scheme}${mesh.trustDomain}/${path}`];
      this.trustDomains = [trustDomain, mesh.trustDomain];
    }
    this.ownPath = isOwn || isAlias ? path : "";
    this.namespace = parts?.namespace ?? "";
    this.serviceAccount = parts === undefined ? "" : `${parts.namespace}/${parts.serviceAccount}`;
    this.address = addressBytes(caller.address);
  }
}

const scheme = "spiffe://";
