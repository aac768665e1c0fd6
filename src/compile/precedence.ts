/**
 * The order in which matches are tried, over all routes that apply together. GRPCRoute fixes it as: the longer service,
 * the longer method, more headers. HTTPRoute: exact path, then
 * the longest prefix, method, number of headers, number of query parameters; then the older route, then its name,
 * then its place. Where patterns stand is left to implementations: here after exact paths and before prefixes, the
 * longer one first, since otherwise a route for `/` would hide every pattern.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HttpMatchSchema } from "../model/index.ts";
import { compareText } from "./resource.ts";

export type MatchContent = MessageInitShape<typeof HttpMatchSchema>;

export interface RankedMatch {
  readonly match: MatchContent;
  /** Index of the route's rule. */
  readonly rule: number;
  /** Of a GRPCRoute. Routes of both kinds never apply together. */
  readonly grpc?: GrpcRank;
}

/** Numbers of characters. */
export interface GrpcRank {
  readonly service: number;
  readonly method: number;
}

export interface RouteOrder {
  readonly creationTimestamp: string;
  /** "namespace/name". */
  readonly path: string;
}

/** Matches of one route keep their order among themselves: sort is stable and rules come in order. */
export function compareMatches(a: RankedMatch, b: RankedMatch): number {
  return a.grpc !== undefined && b.grpc !== undefined
    ? compareCalls(a.grpc, b.grpc) || countHeaders(b.match) - countHeaders(a.match)
    : compareRequests(a.match, b.match);
}

function compareCalls(a: GrpcRank, b: GrpcRank): number {
  return b.service - a.service || b.method - a.method;
}

function compareRequests(a: MatchContent, b: MatchContent): number {
  return (
    pathClass(a) - pathClass(b) ||
    pathLength(b) - pathLength(a) ||
    Number(hasMethod(b)) - Number(hasMethod(a)) ||
    countHeaders(b) - countHeaders(a) ||
    (b.query?.length ?? 0) - (a.query?.length ?? 0)
  );
}

export function compareRoutes(a: RouteOrder, b: RouteOrder): number {
  return compareText(a.creationTimestamp, b.creationTimestamp) || compareText(a.path, b.path);
}

function countHeaders(match: MatchContent): number {
  return match.headers?.length ?? 0;
}

function pathClass(match: MatchContent): number {
  switch (match.path?.case) {
    case "pathExact":
      return 0;
    case "pathRegex":
      return 1;
    case "pathPrefix":
    case undefined:
      return 2;
  }
}

/** Exact paths that both match are equal, so their length decides nothing. */
function pathLength(match: MatchContent): number {
  return match.path?.case === "pathExact" ? 0 : (match.path?.value?.length ?? 0);
}

function hasMethod(match: MatchContent): boolean {
  return match.method !== undefined && match.method !== "";
}
