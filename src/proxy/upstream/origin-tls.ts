/**
 * TLS to an endpoint itself, where no tunnel stands there: what its certificate must prove (BackendTLSPolicy,
 * ExternalService) and which version of HTTP is agreed on. What cannot be verified is refused, never passed.
 */
import { getCACertificates } from "node:tls";
import { toBinary } from "@bufbuild/protobuf";
import type { ReasonCode } from "../../kernel/index.ts";
import { type SubjectAltName, type UpstreamTls, UpstreamTlsSchema } from "../../model/index.ts";
import {
  type ClientTls,
  type ConnectFailure,
  Connection,
  type PeerCertificate,
  parseSubjectAltNames,
} from "../../net/index.ts";
import { SessionProtocol } from "../../wire/index.ts";

/** The certificate authorities that the machine trusts, read once somebody needs them; where it has none, Bun's own. */
export class SystemRoots {
  #pem: string | undefined;

  get pem(): string {
    this.#pem ??= readSystemRoots();
    return this.#pem;
  }
}

function readSystemRoots(): string {
  const system = getCACertificates("system");
  return (system.length > 0 ? system : getCACertificates("bundled")).join("\n");
}

export class OriginTls {
  /** Equal where connections that were opened under one are as the other wants them. */
  readonly key: string;
  /** Not empty: every connection is refused, and this is why. */
  readonly invalid: string;
  /** Raw TCP is encrypted too. */
  readonly encryptsBytes: boolean;
  readonly #model: UpstreamTls;

  constructor(model: UpstreamTls) {
    this.#model = model;
    this.key = Buffer.from(toBinary(UpstreamTlsSchema, model)).toString("latin1");
    this.invalid = model.invalid;
    this.encryptsBytes = model.encryptsBytes;
  }

  /** For a session that the proxy speaks itself, or for bytes (`TCP`), for which nothing is agreed on. */
  settings(protocol: SessionProtocol, roots: SystemRoots): ClientTls {
    const { hostname, systemRoots, caPem, subjectAltNames } = this.#model;
    return {
      trustRootsPem: systemRoots ? roots.pem : caPem,
      serverName: hostname,
      alpn: offered[protocol],
      minVersion: "1.2",
      ...(subjectAltNames.length === 0
        ? { verifyPeer: () => undefined }
        : { judgesNames: true, verifyPeer: (peer) => verifyNames(peer, subjectAltNames) }),
    };
  }

  /** What came of a dial with these settings. */
  judge(result: Connection | ConnectFailure, protocol: SessionProtocol): Connection | ConnectFailure {
    if (!(result instanceof Connection)) {
      return result.reason === "upstream_tls_failed" ? { ...result, reason: "backend_tls_failed" } : result;
    }
    // Over TLS nothing but ALPN says that a server speaks HTTP/2 (RFC 9113 section 3.2).
    if (protocol !== SessionProtocol.HTTP2 || result.alpn === "h2") return result;
    result.terminate();
    return {
      reason: "backend_tls_failed",
      detail: `the backend at ${result.remoteAddress}:${result.remotePort} does not agree to HTTP/2 (ALPN h2)`,
    };
  }
}

const offered: Readonly<Record<SessionProtocol, readonly string[]>> = {
  [SessionProtocol.UNSPECIFIED]: [],
  [SessionProtocol.TCP]: [],
  [SessionProtocol.HTTP1]: ["http/1.1"],
  [SessionProtocol.HTTP2]: ["h2"],
};

function verifyNames(peer: PeerCertificate, wanted: readonly SubjectAltName[]): ReasonCode | undefined {
  const names = parseSubjectAltNames(peer.der);
  const isNamed =
    names !== undefined &&
    wanted.some(({ name }) => {
      if (name.case === "uri") return names.uris.includes(name.value);
      return name.case === "dns" && names.dns.some((pattern) => covers(pattern.toLowerCase(), name.value));
    });
  return isNamed ? undefined : "backend_tls_failed";
}

/** RFC 9525 section 6.3: the star of a certificate's name stands for one label, the first. */
function covers(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  const dot = name.indexOf(".");
  return pattern.startsWith("*.") && dot > 0 && pattern.slice(1) === name.slice(dot);
}
