/** What every proxy of the mesh knows. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type MeshConfig, parseDurationMs } from "../api/index.ts";
import { type LimitsSchema, MeshSchema, meshKey, TlsVersion } from "../model/index.ts";
import type { InputReader } from "./inputs.ts";
import { type CompiledResource, encodeResource } from "./resource.ts";
import { identityOf } from "./service-resources.ts";

export function compileMesh(inputs: InputReader, key: string): CompiledResource | undefined {
  if (key !== meshKey) return undefined;
  const { spec } = inputs.meshConfig();
  const trust = inputs.trust();
  return encodeResource({ kind: "Mesh", key }, MeshSchema, {
    source: { kind: "MeshConfig", name: meshKey },
    trustDomain: inputs.trustDomain,
    trustRoots: [...trust.roots],
    issuingRoot: trust.issuingRoot,
    reissueWithinMs: trust.reissueWithinMs,
    revoked: trust.revoked.map(({ issuer, serial }) => ({ issuer, serial })),
    virtualPrefixes: [...spec.virtualIpCidrs],
    workloadPrefixes: [...spec.workloadCidrs],
    domainSuffix: spec.domainSuffix,
    discoveryTimeoutMs: parseDurationMs(spec.discovery.timeout) ?? 0,
    discoveryIdleMs: parseDurationMs(spec.discovery.idleTimeout) ?? 0,
    drainTimeoutMs: parseDurationMs(spec.drainTimeout) ?? 0,
    accessLog: spec.accessLog,
    allowUnknownDestinations: spec.outboundTraffic === "allow",
    limits: compileLimits(spec.limits),
    gatewayIdentities: spec.gatewayServiceAccounts.map((account) => {
      const [namespace = "", name = ""] = account.split("/");
      return identityOf(inputs.trustDomain, namespace, name);
    }),
    externalPrefixes: inputs.external.prefixes(),
    hasExternalNames: inputs.external.hasNames,
    honourRequestOverrides: spec.requestOverrides === "Honour",
    trustDomainAliases: [...spec.security.trustDomainAliases],
    explainDenials: spec.security.explainDenials,
    trustedHops: spec.security.trustedHops,
    // What proxies do without being told is not written.
    ...(spec.security.minPeerTls === "1.2" ? { minPeerTls: TlsVersion.TLS_VERSION_1_2 } : {}),
  });
}

function compileLimits(limits: MeshConfig["spec"]["limits"]): MessageInitShape<typeof LimitsSchema> {
  const { headerTimeout, idleTimeout, bodyIdleTimeout, tcpIdleTimeout, handshakeTimeout, ...counts } = limits;
  return {
    ...counts,
    headerTimeoutMs: parseDurationMs(headerTimeout) ?? 0,
    idleTimeoutMs: parseDurationMs(idleTimeout) ?? 0,
    bodyIdleTimeoutMs: parseDurationMs(bodyIdleTimeout) ?? 0,
    tcpIdleTimeoutMs: parseDurationMs(tcpIdleTimeout) ?? 0,
    handshakeTimeoutMs: parseDurationMs(handshakeTimeout) ?? 0,
  };
}
