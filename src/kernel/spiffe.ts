/** SPIFFE ids in the mesh's form: spiffe://<trust-domain>/ns/<namespace>/sa/<service-account>. */

export interface SpiffeId {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const pattern = new RegExp(
  `^spiffe://(?<trustDomain>[a-z0-9][a-z0-9._-]{0,253})/ns/(?<namespace>${label})/sa/(?<serviceAccount>[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$`,
);

/** Undefined where the text is not exactly of the mesh's form. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  const groups = pattern.exec(text)?.groups;
  if (groups === undefined) return undefined;
  return {
    trustDomain: groups["trustDomain"] ?? "",
    namespace: groups["namespace"] ?? "",
    serviceAccount: groups["serviceAccount"] ?? "",
  };
}

export function formatSpiffeId(id: SpiffeId): string {
  return `spiffe://${id.trustDomain}/ns/${id.namespace}/sa/${id.serviceAccount}`;
}
