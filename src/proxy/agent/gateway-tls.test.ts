/** Gateway ports with TLS: which listener and certificate a server name leads to, what stays the same, and what shows of a key. */
import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  CertificateSchema,
  type GatewayListener,
  type GatewayListenerSchema,
  GatewaySchema,
  Protocol,
  TlsMode,
  TlsVersion,
} from "../../model/index.ts";
import { LiveSnapshot } from "./live-snapshot.ts";
import { prepareResource } from "./resource.ts";
import type { ResourceChange } from "./resource-change.ts";
import { publicCertificate } from "./test/public-certificate.ts";

const terminate = { mode: TlsMode.TERMINATE, certificates: ["default/shop"] };

function certificate(name: string, dns: string): ResourceChange {
  const { certChainPem, privateKeyPem } = publicCertificate(dns);
  const bytes = toBinary(
    CertificateSchema,
    create(CertificateSchema, {
      source: { kind: "Secret", namespace: "default", name },
      certificateChainPem: certChainPem,
      privateKeyPem,
    }),
  );
  const resource = prepareResource({ kind: "Certificate", name: `default/${name}`, version: "1", bytes });
  return { type: "upsert", resource };
}

type ListenerInit = Omit<Exclude<MessageInitShape<typeof GatewayListenerSchema>, GatewayListener>, "source">;

function gateway(name: string, ...listeners: ListenerInit[]): ResourceChange {
  const source = { namespace: "default", name };
  const content = create(GatewaySchema, {
    source,
    listeners: listeners.map((init) => ({
      port: 443,
      protocol: Protocol.HTTP,
      hostname: "*",
      ...init,
      source,
    })),
  });
  const bytes = toBinary(GatewaySchema, content);
  return {
    type: "upsert",
    resource: prepareResource({ kind: "Gateway", name: `default/${name}`, version: "1", bytes }),
  };
}

const after = (snapshot: LiveSnapshot, ...changes: ResourceChange[]): LiveSnapshot =>
  snapshot.with(changes, 1, []);
const of = (...changes: ResourceChange[]) => after(LiveSnapshot.empty, ...changes);

describe("a port", () => {
  const snapshot = of(
    certificate("shop", "shop.example.com"),
    certificate("star", "*.example.com"),
    gateway(
      "edge",
      {
        name: "https",
        hostname: "*.example.com",
        tls: { mode: TlsMode.TERMINATE, certificates: ["default/shop", "default/star"] },
      },
      {
        name: "raw",
        hostname: "*.raw.example.com",
        protocol: Protocol.TLS,
        tls: { mode: TlsMode.PASSTHROUGH },
        connections: { entries: [{ rule: 0 }], rules: [{ backends: [{ cluster: "raw", weight: 1 }] }] },
      },
      {
        name: "bytes",
        hostname: "db.example.com",
        protocol: Protocol.TLS,
        tls: { ...terminate, minVersion: TlsVersion.TLS_VERSION_1_3 },
        connections: {},
      },
      { name: "broken", hostname: "broken.example.com", tls: { mode: TlsMode.TERMINATE } },
      // Without anchors of its own a TLS library takes the system's, and so everybody.
      {
        name: "anchorless",
        hostname: "anchorless.example.com",
        tls: { ...terminate, clients: { caPem: "" } },
      },
    ),
  );
  const [port] = snapshot.gatewayPorts;

  test.each([
    [
      "shop.example.com",
      { mode: "terminate", listener: "default/edge/https", protocol: "http", minVersion: "1.2" },
    ],
    ["a.raw.example.com", { mode: "passthrough", listener: "default/edge/raw" }],
    [
      "DB.example.com",
      { mode: "terminate", listener: "default/edge/bytes", protocol: "tcp", minVersion: "1.3" },
    ],
    ["broken.example.com", undefined],
    ["anchorless.example.com", undefined],
    ["other.org", undefined],
    [undefined, undefined],
  ])("leads %s to its listener", (serverName, expected) => {
    const choice = port?.tls?.select(serverName);
    if (expected === undefined) expect(choice).toBeUndefined();
    else expect(choice).toMatchObject(expected);
  });

  test("is of protocol TLS, and says where connections go that are not read", () => {
    expect(port?.protocol).toBe(Protocol.TLS);
    expect(port?.connections?.pick("a.raw.example.com", 0)?.backend.cluster).toBe("raw");
    expect(port?.connections?.pick("db.example.com", 0)).toBeUndefined();
  });

  test("shows the certificate that is for the name, a wildcard for one label only, else the first", () => {
    const identityFor = (name: string) => {
      const choice = port?.tls?.select(name);
      return choice?.mode === "terminate" ? choice.identity : undefined;
    };
    const shop = identityFor("shop.example.com");
    const star = identityFor("other.example.com");
    expect(star).toBeDefined();
    expect(star).not.toBe(shop);
    expect(identityFor("two.labels.example.com")).toBe(shop);
    expect(identityFor("ANOTHER.example.com")).toBe(star);
  });
});

describe("listeners with addresses", () => {
  const http = (hostname: string, ...addresses: string[]) => ({
    name: "web",
    hostname,
    port: 80,
    addresses,
    virtualHosts: [{ hostname, http: {} }],
  });
  const places = (snapshot: LiveSnapshot): string[] =>
    snapshot.gatewayPorts.map(({ address, port, protocol }) => `${address}:${port} ${Protocol[protocol]}`);

  test("have a port at each, and share it with those that have it too", () => {
    const snapshot = of(
      gateway("a", http("a.org", "10.0.0.1", "10.0.0.2")),
      gateway("b", http("b.org", "10.0.0.2", "")),
      gateway("c", http("c.org")),
    );
    expect(places(snapshot)).toEqual(["10.0.0.1:80 HTTP", "10.0.0.2:80 HTTP", ":80 HTTP"]);
    const hosts = snapshot.gatewayPorts.map((port) =>
      ["a.org", "b.org", "c.org"].filter((name) => port.hosts.select(name) !== undefined),
    );
    expect(hosts).toEqual([["a.org"], ["a.org", "b.org"], ["b.org", "c.org"]]);
  });

  test("have one table where all of them have the same listeners", () => {
    const [first, second] = of(gateway("a", http("a.org", "10.0.0.1", "::1"))).gatewayPorts;
    expect(second?.hosts).toBe(first?.hosts);
    expect(second?.address).toBe("::1");
  });

  test("keep it when something changes elsewhere", () => {
    const before = of(gateway("a", http("a.org", "10.0.0.1")), gateway("b", http("b.org", "10.0.0.2")));
    const later = after(before, gateway("b", http("c.org", "10.0.0.2")));
    expect(later.gatewayPorts[0]).toBe(before.gatewayPorts[0]);
    expect(later.gatewayPorts[1]).not.toBe(before.gatewayPorts[1]);
  });

  test("of datagrams have the number to themselves, beside one of streams", () => {
    const udp = { name: "dns", port: 80, protocol: Protocol.UDP };
    const { gatewayPorts, unservedListeners } = of(gateway("a", http("a.org"), udp), gateway("b", udp));
    expect(gatewayPorts.map(({ protocol }) => protocol)).toEqual([Protocol.HTTP, Protocol.UDP]);
    expect(unservedListeners).toEqual(["default/b/dns"]);
  });
});

describe("listeners that cannot share a socket with the first one's", () => {
  test.each([
    ["TLS beside plaintext", { tls: terminate }],
    ["TCP beside HTTP", { protocol: Protocol.TCP }],
    ["PROXY protocol beside none", { proxyProtocol: true }],
  ])("are left out and named: %s", (_, second) => {
    const { gatewayPorts, unservedListeners } = of(
      gateway("a", { name: "one", virtualHosts: [{ hostname: "*", http: {} }] }),
      gateway("b", { name: "two", virtualHosts: [{ hostname: "b.org", http: {} }], ...second }),
    );
    expect(gatewayPorts).toHaveLength(1);
    expect(unservedListeners).toEqual(["default/b/two"]);
    expect(gatewayPorts[0]?.tls).toBeUndefined();
    expect(gatewayPorts[0]?.proxyProtocol).toBe(false);
    expect(gatewayPorts[0]?.hosts.select("b.org")?.listener).toBe("default/a/one");
  });
});

describe("a certificate", () => {
  const edge = gateway("edge", {
    name: "https",
    tls: terminate,
    virtualHosts: [{ hostname: "*", http: {} }],
  });
  const identityIn = (snapshot: LiveSnapshot) => {
    const choice = snapshot.gatewayPorts[0]?.tls?.select("shop.example.com");
    return choice?.mode === "terminate" ? choice.identity : undefined;
  };

  test("is the same object until it changes; a rotation keeps the routes", () => {
    const shop = certificate("shop", "shop.example.com");
    const first = of(shop, edge);
    const again = after(first, shop);
    expect(identityIn(again)).toBe(identityIn(first));
    expect(again.gatewayPorts).toBe(first.gatewayPorts);
    const rotated = after(again, certificate("shop", "shop.example.com"));
    expect(identityIn(rotated)).toBeDefined();
    expect(identityIn(rotated)).not.toBe(identityIn(first));
    expect(rotated.gatewayPorts[0]?.hosts).toBe(first.gatewayPorts[0]?.hosts);
  });

  test("that is not here refuses the handshake, and serves once it comes", () => {
    const without = of(edge);
    expect(without.gatewayPorts[0]?.tls?.select("shop.example.com")).toBeUndefined();
    expect(identityIn(after(without, certificate("shop", "shop.example.com")))).toBeDefined();
  });

  test("is told of without its key", () => {
    const snapshot = of(certificate("shop", "Shop.example.com"), edge);
    expect(snapshot.certificates).toMatchObject([
      {
        name: "default/shop",
        dnsNames: ["shop.example.com"],
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect(snapshot.certificates[0]?.notAfterMs).toBeGreaterThan(Date.now());
    expect(`${Bun.inspect(snapshot, { depth: 20 })}${JSON.stringify(snapshot)}`).not.toContain("PRIVATE KEY");
  });

  test("that cannot be read is refused, and the refusal repeats nothing of it", () => {
    const bytes = toBinary(
      CertificateSchema,
      create(CertificateSchema, {
        source: { namespace: "default", name: "shop" },
        certificateChainPem: "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----",
        privateKeyPem: "secret key",
      }),
    );
    const prepare = () => prepareResource({ kind: "Certificate", name: "default/shop", version: "1", bytes });
    expect(prepare).toThrow("the certificate cannot be read");
    expect(prepare).not.toThrow(/secret|c2Vj/);
  });
});
