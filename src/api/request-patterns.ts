/** The patterns by which rules name callers and operations, and what is wrong with one. One grammar for all of them. */
import { type Issue, pathPatternProblem, Prefix } from "../kernel/index.ts";
import type { TextFormat } from "./formats.ts";

const maxPattern = 1024;

export const pattern: TextFormat = {
  min: 1,
  max: maxPattern,
  pattern: "^(?:\\*|\\*[^*]+|[^*]+\\*?)$",
  expected: "a text, with * only at its beginning or only at its end, such as shop-*",
};
/** `checkPath` says what a template may be. */
export const pathPattern: TextFormat = {
  min: 1,
  max: maxPattern,
  pattern: "^[!-~]+$",
  expected:
    "a path such as /orders, /orders/*, *.html or /orders/{*}/items, percent-encoded where it is not ASCII",
};
export const identityPattern: TextFormat = {
  min: 1,
  max: maxPattern,
  pattern: "^(?:\\*|\\*[^*]+|(?:spiffe://|ns/)[^*]*\\*?)$",
  expected: "an identity such as ns/shop/sa/web, ns/shop/* or spiffe://other.weft/ns/shop/sa/web",
};
export const accountPattern: TextFormat = {
  min: 1,
  max: maxPattern,
  pattern: "^(?:\\*|\\*[^*]+|[^*/]+/[^*/]+\\*?|[^*/]+/?\\*)$",
  expected: "a namespace and a name such as shop/web or shop/*",
};
export const methodPattern: TextFormat = {
  min: 1,
  max: 64,
  pattern: "^(?:\\*|\\*?[!#$%&'+\\-.^_`|~0-9A-Za-z]+|[!#$%&'+\\-.^_`|~0-9A-Za-z]+\\*)$",
  expected: "a method such as GET",
};
export const hostPattern: TextFormat = {
  min: 1,
  max: 320,
  pattern: "^(?:\\*|\\*[^*/\\s]+|[^*/\\s]+\\*?)$",
  expected: "a host such as shop.example.com, *.example.com or shop.example.com:8080",
};
export const grpcServicePattern: TextFormat = {
  min: 1,
  max: maxPattern,
  pattern: "^(?:\\*|\\*?[A-Za-z0-9_.]+|[A-Za-z0-9_.]+\\*)$",
  expected: "a gRPC service such as shop.v1.Orders",
};
export const grpcMethodPattern: TextFormat = {
  min: 1,
  max: maxPattern,
  pattern: "^(?:\\*|\\*[A-Za-z0-9_./]+|[A-Za-z0-9_.]+/[A-Za-z0-9_]*\\*?|[A-Za-z0-9_.]+\\*)$",
  expected: "a gRPC method such as shop.v1.Orders/Get",
};

export function checkCidr(text: string, path: string): Issue[] {
  if (Prefix.parse(text) !== undefined) return [];
  return [{ path, message: "must be a prefix without host bits, such as 10.0.0.0/8 or 10.1.2.3/32" }];
}

const exactIdentity = /^ns\/[a-z0-9][-a-z0-9]*\/sa\/[a-z0-9][-a-z0-9.]*$/;

/** Without a wildcard the short form must be whole: what can match nobody is a slip. */
export function checkIdentity(text: string, path: string): Issue[] {
  if (!text.startsWith("ns/") || text.endsWith("*") || exactIdentity.test(text)) return [];
  return [{ path, message: "must be whole, such as ns/shop/sa/web, or end with *" }];
}

export function checkPath(text: string, path: string): Issue[] {
  const problem = pathPatternProblem(text);
  return problem === undefined ? [] : [{ path, message: problem }];
}
