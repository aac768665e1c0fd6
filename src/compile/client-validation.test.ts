/** Certificates of clients at a Gateway's listeners, and the Gateway's own towards backends. */
import { describe, expect, test } from "bun:test";
import { ClientValidationMode } from "../model/index.ts";
import { shopPair } from "./test/certificates.ts";
import { CompiledGateways, configMap, gateway, grant, secret } from "./test/gateway-status.ts";

const http = { name: "http", port: 80, protocol: "HTTP" };
const https = {
  name: "https",
  port: 443,
  protocol: "HTTPS",
  tls: { certificateRefs: [{ name: "shop" }] },
};
const shop = secret({ name: "shop" }, shopPair);

const edge = (spec: object) => gateway({ name: "edge" }, spec);

describe("client certificates", () => {
  const ca = configMap({ name: "ca" }, { "ca.crt": shopPair.certificate });
  const frontend = (reference: object, mode = "AllowValidOnly") => ({
    default: { validation: { mode, caCertificateRefs: [{ group: "", kind: "ConfigMap", ...reference }] } },
  });
  const withFrontend = (value: object, ...objects: ReturnType<typeof edge>[]) =>
    new CompiledGateways([shop, edge({ listeners: [http, https], tls: { frontend: value } }), ...objects]);

  test("are checked by listeners of HTTPS and by no others", () => {
    const compiled = withFrontend(frontend({ name: "ca" }), ca);
    const [plain, secure] = compiled.gateway("default/edge").listeners;
    expect(plain?.tls).toBeUndefined();
    expect(secure?.tls?.clients?.caPem.trim()).toBe(shopPair.certificate.trim());
    expect(secure?.tls?.clients?.mode).toBe(ClientValidationMode.VALID_ONLY);
    expect(compiled.conditions("Gateway", "default/edge")).not.toHaveProperty(
      "InsecureFrontendValidationMode",
    );
  });

  test.each([
    ["InvalidCACertificateRef", { name: "missing" }],
    ["InvalidCACertificateRef", { name: "empty" }],
    ["InvalidCACertificateRef", { name: "broken" }],
    ["InvalidCACertificateKind", { kind: "Service", name: "ca" }],
    ["RefNotPermitted", { name: "ca", namespace: "elsewhere" }],
  ])("that nothing can check are not asked for, and nobody comes in: %s", (reason, reference) => {
    const compiled = withFrontend(
      frontend(reference),
      configMap({ name: "empty" }, {}),
      configMap(
        { name: "broken" },
        { "ca.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" },
      ),
      configMap({ name: "ca", namespace: "elsewhere" }, { "ca.crt": shopPair.certificate }),
    );
    expect(compiled.conditions("Gateway", "default/edge", "https")).toEqual({
      Accepted: "False NoValidCACertificate",
      Conflicted: "False NoConflicts",
      ResolvedRefs: `False ${reason}`,
      Programmed: "False Invalid",
    });
    expect(compiled.conditions("Gateway", "default/edge", "http")).toMatchObject({
      Programmed: "True Programmed",
    });
    expect(compiled.gateway("default/edge").listeners.map(({ name }) => name)).toEqual(["http"]);
  });

  test("are checked by what can be read where one reference of several cannot", () => {
    const both = {
      default: {
        validation: {
          caCertificateRefs: ["missing", "ca"].map((name) => ({ group: "", kind: "ConfigMap", name })),
        },
      },
    };
    const compiled = withFrontend(both, ca);
    expect(compiled.conditions("Gateway", "default/edge", "https")).toMatchObject({
      Accepted: "True Accepted",
      ResolvedRefs: "False InvalidCACertificateRef",
      Programmed: "True Programmed",
    });
  });

  test("of another namespace's authority are checked where a grant says so", () => {
    const compiled = withFrontend(
      frontend({ name: "ca", namespace: "elsewhere" }),
      configMap({ name: "ca", namespace: "elsewhere" }, { "ca.crt": shopPair.certificate }),
      grant("elsewhere", { kind: "Gateway" }, { kind: "ConfigMap" }),
    );
    expect(compiled.conditions("Gateway", "default/edge", "https")).toMatchObject({
      Programmed: "True Programmed",
    });
  });

  test("are checked by the port's own rule where it has one", () => {
    const compiled = withFrontend(
      { ...frontend({ name: "missing" }), perPort: [{ port: 443, tls: {} }] },
      ca,
    );
    expect(compiled.gateway("default/edge").listeners[1]?.tls?.clients).toBeUndefined();
    expect(compiled.conditions("Gateway", "default/edge", "https")).toMatchObject({
      Programmed: "True Programmed",
    });
  });

  test("that need not be valid are told of", () => {
    const compiled = withFrontend(frontend({ name: "ca" }, "AllowInsecureFallback"), ca);
    expect(compiled.conditions("Gateway", "default/edge")).toMatchObject({
      InsecureFrontendValidationMode: "True ConfigurationChanged",
    });
    expect(compiled.gateway("default/edge").listeners[1]?.tls?.clients?.mode).toBe(
      ClientValidationMode.INSECURE_FALLBACK,
    );
  });

  test("follow their ConfigMap", () => {
    const compiled = withFrontend(frontend({ name: "ca" }));
    expect(compiled.gateway("default/edge").listeners).toHaveLength(1);
    compiled.compiler.apply({ upserted: [ca] });
    expect(compiled.gateway("default/edge").listeners).toHaveLength(2);
  });
});

describe("the certificate that a Gateway shows to backends", () => {
  const backend = (reference: object) =>
    new CompiledGateways([shop, edge({ tls: { backend: { clientCertificateRef: reference } } })]);

  test("travels with it", () => {
    const { clientCertificate, certificates } = backend({ name: "shop" }).gateway("default/edge");
    expect(clientCertificate).toBe("default/shop");
    expect(certificates).toEqual(["default/shop"]);
  });

  test.each([
    ["InvalidClientCertificateRef", { name: "missing" }],
    ["InvalidClientCertificateRef", { kind: "ConfigMap", name: "shop" }],
    ["RefNotPermitted", { name: "shop", namespace: "elsewhere" }],
  ])("that is not there: %s, and the Gateway is accepted", (reason, reference) => {
    expect(backend(reference).conditions("Gateway", "default/edge")).toMatchObject({
      Accepted: "True Accepted",
      ResolvedRefs: `False ${reason}`,
    });
  });
});
