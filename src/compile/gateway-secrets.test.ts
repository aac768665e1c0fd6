/** Certificates of Gateways as their Secrets, grants and annotations change: what is recomputed, and what is told. */
import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { keyOf, type Stored } from "../api/index.ts";
import { type Gateway, GatewaySchema } from "../model/index.ts";
import { Compiler } from "./compiler.ts";
import { type KeyPair, shopPair, starPair } from "./test/certificates.ts";
import { stored, trust } from "./test/objects.ts";
import { TestRegistry } from "./test/test-registry.ts";

const gatewayName = { kind: "Gateway", key: "default/edge" } as const;
const certificateName = { kind: "Certificate", key: "certs/shop" } as const;

function secret({ certificate, key }: KeyPair): Stored {
  return stored({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "shop", namespace: "certs" },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": certificate, "tls.key": key },
  });
}

const grant = stored({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "ReferenceGrant",
  metadata: { name: "edge", namespace: "certs" },
  spec: {
    from: [{ group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default" }],
    to: [{ group: "", kind: "Secret" }],
  },
});

const gateway = (annotations: Record<string, string> = {}): Stored =>
  stored({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "edge", annotations },
    spec: {
      gatewayClassName: "weft",
      listeners: [
        {
          name: "https",
          port: 443,
          protocol: "HTTPS",
          tls: { certificateRefs: [{ name: "shop", namespace: "certs" }] },
        },
      ],
    },
  });

const gatewayClass = stored({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "GatewayClass",
  metadata: { name: "weft" },
  spec: { controllerName: "weft.dev/gateway-controller" },
});

function start(...objects: Stored[]) {
  const compiler = new Compiler({ ...trust, registry: new TestRegistry() });
  compiler.apply({ upserted: [gatewayClass, gateway(), ...objects] });
  const compiled = (): Gateway | undefined => {
    const bytes = compiler.get(gatewayName)?.bytes;
    return bytes === undefined ? undefined : fromBinary(GatewaySchema, bytes);
  };
  compiled();
  compiler.get(certificateName);
  return { compiler, compiled };
}

test("a rotation changes the certificate, and neither the gateway nor its status", () => {
  const { compiler, compiled } = start(secret(shopPair), grant);
  expect(compiled()?.certificates).toEqual(["certs/shop"]);
  const output = compiler.apply({ upserted: [secret(starPair)] });
  expect(output.upserted.map(({ kind, key }) => `${kind} ${key}`)).toEqual(["Certificate certs/shop"]);
  expect(output.statuses).toEqual([]);
});

test("a Secret that goes takes its listener with it, and one that comes brings it", () => {
  const { compiler, compiled } = start(secret(shopPair), grant);
  const gone = compiler.apply({ removed: [keyOf(secret(shopPair))] });
  expect(gone.removed).toEqual([certificateName]);
  expect(compiled()?.listeners).toEqual([]);
  expect(JSON.stringify(gone.statuses)).toContain("Secret certs/shop does not exist");
  compiler.apply({ upserted: [secret(shopPair)] });
  expect(compiled()?.listeners).toHaveLength(1);
});

test("a grant that is taken back ends the use of the Secret, whose content is told nothing about", () => {
  const { compiler, compiled } = start(secret({ ...shopPair, key: "broken" }), grant);
  expect(JSON.stringify(compiler.statuses())).toContain("InvalidCertificateRef");
  const output = compiler.apply({ removed: [keyOf(grant)] });
  expect(compiled()?.listeners).toEqual([]);
  const text = JSON.stringify(output.statuses);
  expect(text).toContain("RefNotPermitted");
  expect(text).not.toContain("tls.key");
});

test("no status and no defect repeats anything of a key, whole or broken", () => {
  const broken = { certificate: shopPair.certificate, key: shopPair.key.replace("MIG", "XYZ") };
  for (const pair of [shopPair, broken, { certificate: shopPair.key, key: shopPair.certificate }]) {
    const { compiler } = start(grant);
    const output = compiler.apply({ upserted: [secret(pair)] });
    const told = JSON.stringify([output.statuses, output.defects, compiler.statuses()]);
    for (const line of pair.key.split("\n").filter((each) => each.length > 20)) {
      expect(told).not.toContain(line);
    }
  }
});

test("a chain keeps its order, and text around its blocks is dropped", () => {
  const certificate = `Subject: shop\n${shopPair.certificate}\nSubject: star\n${starPair.certificate}`;
  const { compiler } = start(secret({ ...shopPair, certificate }), grant);
  const chain = new TextDecoder().decode(compiler.get(certificateName)?.bytes);
  expect(chain).not.toContain("Subject");
  const [first = "", second = ""] = [shopPair, starPair].map((pair) => pair.certificate.split("\n")[1] ?? "");
  expect(chain.indexOf(first)).toBeGreaterThan(0);
  expect(chain.indexOf(second)).toBeGreaterThan(chain.indexOf(first));
});

test("an annotation changes a gateway though it moves no generation", () => {
  const { compiler, compiled } = start(secret(shopPair), grant);
  expect(compiled()?.listeners[0]?.proxyProtocol).toBe(false);
  compiler.apply({ upserted: [gateway({ "weft.dev/proxy-protocol": "required" })] });
  expect(compiled()?.listeners[0]?.proxyProtocol).toBe(true);
});
