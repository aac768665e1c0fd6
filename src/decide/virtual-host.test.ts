/** Which virtual host an authority belongs to. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { GatewayListenerSchema } from "../model/index.ts";
import { selectVirtualHost, VirtualHostTable } from "./virtual-host.ts";

const listener = (name: string, hostnames: string[]) =>
  create(GatewayListenerSchema, {
    name,
    virtualHosts: hostnames.map((hostname) => ({ hostname, http: {} })),
  });

const table = VirtualHostTable.prepare([
  listener("first", ["*", "*.example.com", "shop.example.com"]),
  listener("second", ["*.eu.example.com", "shop.example.com"]),
]);

test.each([
  ["shop.example.com", "shop.example.com"],
  ["SHOP.example.com:8080", "shop.example.com"],
  ["shop.example.com.", "shop.example.com"],
  ["a.example.com", "*.example.com"],
  ["a.b.example.com", "*.example.com"],
  ["a.eu.example.com", "*.eu.example.com"],
  ["eu.example.com", "*.example.com"],
  ["example.com", "*"],
  [".example.com", "*"],
  ["notexample.com", "*"],
  ["[::1]:80", "*"],
  ["", "*"],
])("%s belongs to %s", (authority, hostname) => {
  expect(selectVirtualHost(table, authority)?.hostname).toBe(hostname);
});

test("the first listener keeps a hostname that two claim", () => {
  expect(selectVirtualHost(table, "shop.example.com")?.listener).toBe("first");
});

test("without a fallback an unknown name has no virtual host", () => {
  const strict = VirtualHostTable.prepare([listener("only", ["shop.example.com"])]);
  expect(selectVirtualHost(strict, "other.example.com")).toBeUndefined();
});
