/** A gateway that files configure asks what policies of security say. */
import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { type ApiObject, parseObject } from "../api/index.ts";
import { GatewaySchema } from "../model/index.ts";
import { FileConfiguration } from "./file-configuration.ts";

function parsed(input: unknown): ApiObject {
  const result = parseObject(input, "write");
  if ("object" in result) return result.object;
  throw new Error(JSON.stringify(result.issues));
}

const weft = (kind: string, spec: object) =>
  parsed({ apiVersion: "weft.dev/v1alpha1", kind, metadata: { name: "p" }, spec });
const atDoor = { targetRefs: [{ kind: "Gateway", name: "door" }] };
const objects = [
  parsed({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name: "weft" },
    spec: { controllerName: "weft.dev/gateway-controller" },
  }),
  parsed({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "door" },
    spec: { gatewayClassName: "weft", listeners: [{ name: "http", port: 8080, protocol: "HTTP" }] },
  }),
  weft("AuthorizationPolicy", { ...atDoor, action: "Deny", rules: [{ to: [{ paths: ["/admin/*"] }] }] }),
  weft("RateLimitPolicy", { ...atDoor, limits: [{ requests: 10 }] }),
  weft("AuthenticationPolicy", {
    ...atDoor,
    jwt: { providers: [{ name: "a", issuer: "https://a.example", jwksUri: "https://a.example/keys" }] },
  }),
];

test("its listener asks for tokens, denies and counts", () => {
  const configuration = new FileConfiguration();
  configuration.apply(objects);
  const bytes = configuration.get("Gateway", "default/door")?.bytes;
  const gateway = bytes === undefined ? undefined : fromBinary(GatewaySchema, bytes);
  expect(gateway?.listeners[0]?.admission).toBe(1);
  expect(gateway?.admissions).toMatchObject([
    {
      jwt: { providers: [{ name: "a" }] },
      authorization: { policies: [{ rules: [{ to: [{ paths: ["/admin/*"] }] }] }] },
      rateLimits: [{ requests: 10n }],
    },
  ]);
});
