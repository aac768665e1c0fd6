/** Compiled resources as text: stable, readable, and without what nobody may read. */
import { expect, test } from "bun:test";
import { create, type DescMessage, type MessageInitShape, ScalarType, toBinary } from "@bufbuild/protobuf";
import {
  AuthorizationSchema,
  CertificateSchema,
  CollectorSchema,
  modelSchemas,
  OutboundSchema,
  RateLimitStoreSchema,
} from "../../model/index.ts";
import { HiddenTexts, messageLines } from "./message-text.ts";
import { resourceDiff } from "./resource-diff.ts";

function encoded<S extends DescMessage>(schema: S, content: MessageInitShape<S>) {
  return { bytes: toBinary(schema, create(schema, content)) };
}

function outbound(first: number, second: number) {
  const source = { kind: "HTTPRoute", namespace: "default", name: "reviews", section: "rules[0]" };
  const service = (version: string) => ({
    kind: "Service",
    namespace: "default",
    name: `reviews-${version}`,
  });
  return encoded(OutboundSchema, {
    namespace: "default",
    service: "reviews",
    port: 9080,
    http: {
      entries: [{ match: { path: { case: "pathPrefix", value: "/x" }, method: "GET" }, rule: 0 }],
      rules: [
        {
          source,
          requestTimeoutMs: 3_000,
          backends: [
            { source: service("v1"), cluster: "default/reviews-v1:9080", weight: first },
            { source: service("v2"), cluster: "default/reviews-v2:9080", weight: second },
          ],
        },
      ],
    },
  });
}

test("a moved weight is a few lines, and what they stand under", () => {
  expect(resourceDiff("Outbound", outbound(100, 0), outbound(90, 10))).toEqual([
    "…",
    "  http:",
    "…",
    "    rules:",
    "      - source: HTTPRoute default/reviews rules[0]",
    "…",
    "        backends:",
    "          - source: Service default/reviews-v1",
    "            cluster: default/reviews-v1:9080",
    "-           weight: 100",
    "+           weight: 90",
    "          - source: Service default/reviews-v2",
    "            cluster: default/reviews-v2:9080",
    "+           weight: 10",
  ]);
});

test("an entry tells its rule by name, not by a place that moves", () => {
  const lines = resourceDiff("Outbound", undefined, outbound(1, 1));
  expect(lines).toContain("+     - match:");
  expect(lines).toContain("+       rule: HTTPRoute default/reviews rules[0]");
});

test("equal resources do not differ", () => {
  expect(resourceDiff("Outbound", outbound(1, 2), outbound(1, 2))).toEqual([]);
});

test("a key that changes shows as changed and is not shown", () => {
  const certificate = (key: string) =>
    encoded(CertificateSchema, { certificateChainPem: "a\nb\n", privateKeyPem: `${key}\n` });
  const diff = resourceDiff("Certificate", certificate("first-key"), certificate("second-key"));
  expect(diff.slice(1)).toEqual(["- privateKeyPem: (hidden, value 1)", "+ privateKeyPem: (hidden, value 2)"]);
  expect(diff.join("\n")).not.toMatch(/first|second/);
});

test("passwords and headers that prove somebody are not shown", () => {
  const text = (schema: DescMessage, content: Record<string, unknown>): string =>
    messageLines(schema, create(schema, content), new HiddenTexts()).join("\n");
  expect(text(RateLimitStoreSchema, { password: "hunter2" })).toBe("password: (hidden, value 1)");
  expect(text(CollectorSchema, { headers: [{ name: "api-token", value: "hunter2" }] })).not.toContain(
    "hunter2",
  );
});

test("every field whose name says that it is secret is hidden", () => {
  const seen = new Set<string>();
  const suspicious: string[] = [];
  const visit = (schema: DescMessage): void => {
    if (seen.has(schema.typeName)) return;
    seen.add(schema.typeName);
    for (const field of schema.fields) {
      if (field.message !== undefined) visit(field.message);
      if (field.scalar !== ScalarType.STRING || !/password|private|secret|credential/.test(field.name))
        continue;
      const shown = messageLines(schema, create(schema, { [field.localName]: "hunter2" })).join();
      if (shown.includes("hunter2")) suspicious.push(`${schema.name}.${field.name}`);
    }
  };
  for (const schema of Object.values(modelSchemas)) visit(schema);
  expect(seen.size).toBeGreaterThan(50);
  expect(suspicious).toEqual([]);
});

test("a condition is told by its text", () => {
  const lines = messageLines(
    AuthorizationSchema,
    create(AuthorizationSchema, {
      policies: [
        {
          rules: [
            {
              name: "r",
              when: [{ kind: { case: "value", value: { kind: { case: "boolean", value: true } } } }],
              whenTexts: ["true"],
            },
          ],
        },
      ],
    }),
  );
  expect(lines.join("\n")).toBe("policies:\n  - rules:\n      - name: r\n        whenTexts: [true]");
});
