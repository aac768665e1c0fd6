/** What is told of headers, queries and paths. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { hidden, Redaction, type RedactionRules } from "./redaction.ts";

function redaction(rules: Partial<RedactionRules> = {}): Redaction {
  return new Redaction({ headers: [], queryParameters: [], logsQuery: true, pathTemplates: [], ...rules });
}

describe("headers", () => {
  test.each(["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"])(
    "%s is hidden whatever anybody says",
    (name) => {
      expect(redaction().hidesHeader(name)).toBe(true);
    },
  );

  test("are hidden by name and by how they begin", () => {
    const rules = redaction({ headers: ["x-user", "x-internal-*"] });
    expect(
      ["x-user", "x-internal-a", "x-users", "x-internal"].map((name) => rules.hidesHeader(name)),
    ).toEqual([true, true, false, false]);
    expect(redaction({ headers: ["*"] }).hidesHeader("anything")).toBe(true);
  });
});

describe("queries", () => {
  test("are told only where somebody wants them", () => {
    expect(redaction({ logsQuery: false }).query("a=1")).toBeUndefined();
    expect(redaction().query("a=1&b")).toBe("a=1&b");
  });

  test("hide values by name, however it is spelled, and as often as it comes", () => {
    const rules = redaction({ queryParameters: ["token"] });
    expect(rules.query("token=a&x=1&%74oken=b&token=c=d&tokens=e&token")).toBe(
      `token=${hidden}&x=1&%74oken=${hidden}&token=${hidden}&tokens=e&token`,
    );
  });

  test("hide everything with *, also what has no name", () => {
    expect(redaction({ queryParameters: ["*"] }).query("a=1&secret&&b=")).toBe(
      `a=${hidden}&${hidden}&&b=${hidden}`,
    );
  });

  test("never tell a value of a hidden parameter", () => {
    const rules = redaction({ queryParameters: ["token"] });
    const part = fc.oneof(fc.constant("token=s3cret"), fc.constant("a=b"), fc.webQueryParameters());
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        expect(rules.query(parts.join("&"))).not.toContain("token=s3cret");
      }),
    );
  });
});

describe("paths", () => {
  const rules = redaction({ pathTemplates: ["/users/{id}", "/users/{id}/orders/{*}", "/files/{**}"] });

  test.each([
    ["/users/7", "/users/{id}"],
    ["/users/7/", "/users/{id}"],
    ["//users//7", "/users/{id}"],
    ["/a/../users/7", "/users/{id}"],
    ["/%75sers/7", "/users/{id}"],
    ["/users/7/orders/9", "/users/{id}/orders/{*}"],
    ["/files/a/b", "/files/{**}"],
    ["/users", "/users"],
    ["/other/7", "/other/7"],
    ["*", "*"],
  ])("%s is told as %s", (path, told) => {
    expect(rules.path(path)).toBe(told);
  });

  test("are as they came without templates", () => {
    expect(redaction().path("//a/%7e")).toBe("//a/%7e");
  });
});
