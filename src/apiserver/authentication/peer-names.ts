/** The user and the groups that a client certificate names: as Kubernetes reads it, or a workload's own. */
import { readCertificateNames, readSubjectNames } from "../../identity/x509/index.ts";
import { parseSpiffeId } from "../../kernel/index.ts";

export interface PeerNames {
  readonly user: string;
  readonly groups: readonly string[];
  readonly serviceAccount?: string;
}

/** Undefined where it names nobody, or a workload of another mesh. */
export function parsePeerNames(der: Uint8Array, trustDomain: string): PeerNames | undefined {
  const names = readCertificateNames(der);
  if (names === undefined) return undefined;
  const uris = names.uriSans;
  if (uris.some((uri) => uri.toLowerCase().startsWith("spiffe:"))) {
    const [uri, ...more] = uris;
    const id = uri === undefined || more.length > 0 ? undefined : parseSpiffeId(uri);
    if (uri === undefined || id?.trustDomain !== trustDomain) return undefined;
    const { namespace, serviceAccount } = id;
    return {
      user: uri,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
      serviceAccount: `${namespace}/${serviceAccount}`,
    };
  }
  const subject = readSubjectNames(der);
  const [user, ...others] = subject?.commonNames ?? [];
  if (subject === undefined || user === undefined || user === "" || others.length > 0) return undefined;
  return { user, groups: subject.organizations.filter((name) => name !== "") };
}
