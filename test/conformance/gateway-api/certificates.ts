/** Certificates of one run: those of gateways and backends, and of clients. */
import { makeRoot } from "../../../src/net/testdata/certificates.ts";

export interface TestIdentity {
  readonly certChainPem: string;
  readonly privateKeyPem: string;
}

const root = makeRoot("conformance root");
const otherRoot = makeRoot("another root");

export const rootPem = root.pem;
export const otherRootPem = otherRoot.pem;

/** Names of Secrets to the DNS names that they are for. */
export const serverCertificates: ReadonlyMap<
  string,
  { readonly dns: string; readonly identity: TestIdentity }
> = new Map(
  Object.entries({
    "cert-example-com": "example.com",
    "cert-example-org": "example.org",
    "cert-wildcard-example-net": "*.example.net",
  }).map(([name, dns]) => [name, { dns, identity: root.issue({ dns, uris: [] }) }]),
);

/** What backends with TLS show: for `backend.example.com`, and the SPIFFE id for which others ask. */
export const backendIdentity: TestIdentity = root.issue({
  dns: "backend.example.com",
  uris: ["spiffe://conformance/ns/default/sa/backend"],
});

export const clientCertificates: Readonly<Record<string, TestIdentity>> = {
  good: root.issue({ dns: "client.example.com" }),
  bad: otherRoot.issue({ dns: "client.example.com" }),
};
