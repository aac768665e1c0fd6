/** TLS that the mesh begins towards an ExternalService, and what it trusts there. */
import { type Trust, resolveReferences, type UpstreamTlsContent } from "./backend-tls.ts";
import type { ExternalServiceInput } from "./external-services.ts";
import type { InputReader } from "./inputs.ts";

type TlsInput = NonNullable<ExternalServiceInput["spec"]["tls"]>;

/** Where nothing can be trusted every connection is refused. */
export function externalTls(
  inputs: InputReader,
  { metadata: { namespace, name }, spec }: ExternalServiceInput,
  tls: TlsInput,
): UpstreamTlsContent {
  const [only = "", ...more] = spec.hosts;
  const isOneName = more.length === 0 && !only.startsWith("*");
  const { systemRoots, caPem, problems } = externalTrust(inputs, namespace, tls);
  const reasons = problems.map(({ message }) => message).join("; ");
  return {
    source: { kind: "ExternalService", namespace, name, section: "tls" },
    // Absent otherwise only where the name that was said is sent on.
    hostname: tls.hostname ?? (isOneName ? only : ""),
    systemRoots,
    caPem,
    encryptsBytes: true,
    invalid: systemRoots || caPem !== "" ? "" : `ExternalService ${namespace}/${name}: ${reasons}`,
  };
}

/** Without references what the machine trusts. */
export function externalTrust(
  inputs: InputReader,
  namespace: string,
  { caCertificateRefs }: TlsInput,
): Pick<Trust, "systemRoots" | "caPem" | "problems"> {
  if (caCertificateRefs === undefined) return { systemRoots: true, caPem: "", problems: [] };
  const references = { references: caCertificateRefs, field: "spec.tls.caCertificateRefs" };
  return { systemRoots: false, ...resolveReferences(inputs, namespace, references) };
}
