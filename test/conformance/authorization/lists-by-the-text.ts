/** The lists of callers and operations as docs/reference/authorization-decisions.md words them. */
import type { CallerMatch, HeaderPattern, OperationMatch } from "../../../src/model/index.ts";
import type { Case } from "./case.ts";
import { type Certainty, isLike } from "./certainty.ts";
import { decodeUnreserved } from "./text-readings.ts";

interface List<Entry> {
  readonly wanted: readonly Entry[];
  readonly excluded: readonly Entry[];
  readonly compare: (entries: readonly Entry[]) => Certainty | "absent";
}

/** Entries are texts here: ports as decimals, headers as "name=pattern". */
export type Lists = readonly List<string>[];

function yesIf(isYes: boolean): Certainty {
  return isYes ? "yes" : "no";
}

/** What is empty is absent. */
function ofText(wanted: readonly string[], excluded: readonly string[], text: string): List<string> {
  return {
    wanted,
    excluded,
    compare: (entries) => (text === "" ? "absent" : yesIf(entries.some((entry) => isLike(entry, text)))),
  };
}

export function callerByTheText(match: CallerMatch, { request, mesh }: Case): Lists {
  const { identity, address } = request.caller;
  const [, domain = "", path = ""] = /^spiffe:\/\/([^/]+)\/(.*)$/.exec(identity) ?? [];
  const isAlias = mesh.trustDomainAliases.includes(domain) && domain !== mesh.trustDomain;
  const isOwn = isAlias || domain === mesh.trustDomain;
  const [, namespace = "", account = ""] = (isOwn && /^ns\/([^/]+)\/sa\/([^/]+)$/.exec(path)) || [];
  const spellings = isAlias ? [identity, `spiffe://${mesh.trustDomain}/${path}`] : [identity];
  const domains = isAlias ? [domain, mesh.trustDomain] : [domain];
  const isIdentity = (entry: string): boolean =>
    entry === "*" || entry.startsWith("spiffe://")
      ? spellings.some((spelling) => isLike(entry, spelling))
      : isOwn && isLike(entry, path);
  const { iss, sub } = request.claims ?? {};
  const principal = typeof iss === "string" && typeof sub === "string" ? `${iss}/${sub}` : "";
  const principals = ofText(match.jwtPrincipals, match.notJwtPrincipals, principal);
  return [
    {
      wanted: match.identities,
      excluded: match.notIdentities,
      compare: (entries) => (identity === "" ? "absent" : yesIf(entries.some(isIdentity))),
    },
    ofText(match.namespaces, match.notNamespaces, namespace),
    ofText(match.serviceAccounts, match.notServiceAccounts, account === "" ? "" : `${namespace}/${account}`),
    {
      wanted: match.trustDomains,
      excluded: match.notTrustDomains,
      compare: (entries) =>
        domain === ""
          ? "absent"
          : yesIf(entries.some((entry) => domains.some((each) => isLike(entry, each)))),
    },
    ofBlocks(match.ipBlocks, match.notIpBlocks, address),
    ofBlocks(match.remoteIpBlocks, match.notRemoteIpBlocks, request.remoteAddress),
    {
      ...principals,
      compare: (entries) => (request.http === undefined ? "unknown" : principals.compare(entries)),
    },
  ];
}

function ofBlocks(wanted: readonly string[], excluded: readonly string[], address: string): List<string> {
  return {
    wanted,
    excluded,
    compare: (entries) =>
      address === "" ? "unknown" : yesIf(entries.some((block) => isInBlock(address, block))),
  };
}

/** By the bits, written out. */
export function isInBlock(address: string, block: string): boolean {
  const [network = "", length = ""] = block.split("/");
  return (
    network.includes(":") === address.includes(":") &&
    bitsOf(address).slice(0, Number(length)) === bitsOf(network).slice(0, Number(length))
  );
}

function bitsOf(address: string): string {
  if (!address.includes(":"))
    return address
      .split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0"))
      .join("");
  const [head = "", tail] = address.split("::");
  const groups = (text: string | undefined): string[] =>
    text === undefined || text === "" ? [] : text.split(":");
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill("0");
  return [...groups(head), ...(tail === undefined ? [] : zeros), ...groups(tail)]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
    .join("");
}

export function operationByTheText(match: OperationMatch, { request, path }: Case): Lists {
  const { caller, http } = request;
  /** Without a request, or without what it needs of one, it cannot be known. */
  const ofRequest = (
    wanted: readonly string[],
    excluded: readonly string[],
    known: boolean,
    isEntry: (entry: string) => boolean,
  ): List<string> => ({
    wanted,
    excluded,
    compare: (entries) => (http === undefined || !known ? "unknown" : yesIf(entries.some(isEntry))),
  });
  const [, host = "", port] =
    /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(http?.authority.toLowerCase() ?? "") ?? [];
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  const withPort = `${name}:${port === undefined || port === "" ? (http?.scheme === "https" ? 443 : 80) : port}`;
  const call = http?.isGrpc === true ? /^\/(.+)\/([^/]+)$/.exec(path ?? "") : null;
  const isCallKnown = http?.isGrpc !== true || path !== undefined;
  const ports = (entries: readonly number[]): string[] => entries.map(String);
  const headers = (entries: readonly HeaderPattern[]): string[] =>
    entries.map((each) => `${each.name}=${each.value}`);
  return [
    ofRequest(match.methods, match.notMethods, true, (entry) => isLike(entry, http?.method ?? "")),
    ofRequest(match.paths, match.notPaths, path !== undefined, (entry) => isPathLike(entry, path ?? "")),
    ofRequest(match.hosts, match.notHosts, name !== "", (entry) =>
      isLike(entry.toLowerCase(), /:(\d+|\*)$/.test(entry) ? withPort : name),
    ),
    ofText(ports(match.ports), ports(match.notPorts), String(caller.port)),
    ofText(match.serverNames.map(lower), match.notServerNames.map(lower), caller.serverName.toLowerCase()),
    ofRequest(
      match.grpcServices,
      match.notGrpcServices,
      isCallKnown,
      (entry) => call !== null && isLike(entry, call[1] ?? ""),
    ),
    ofRequest(
      match.grpcMethods,
      match.notGrpcMethods,
      isCallKnown,
      (entry) => call !== null && isLike(entry, `${call[1]}/${call[2]}`),
    ),
    {
      wanted: headers(match.headers),
      excluded: headers(match.notHeaders),
      compare: (entries) => {
        if (http === undefined) return "unknown";
        const each = entries.map((entry) => {
          const [header = "", ...pattern] = entry.split("=");
          return headerIs(pattern.join("="), http.header(header), http.headerValues?.(header));
        });
        return each.includes("yes") ? "yes" : each.includes("unknown") ? "unknown" : "no";
      },
    },
  ];
}

function lower(text: string): string {
  return text.toLowerCase();
}

function isPathLike(written: string, path: string): boolean {
  const pattern = decodeUnreserved(written) ?? written;
  if (!pattern.includes("{")) return isLike(pattern, path);
  const segments = pattern.split("/").slice(1);
  const text = segments
    .map((segment) => {
      if (segment === "{**}") return "(/[^/]*)*";
      return segment === "{*}" ? "/[^/]+" : `/${segment.replace(/[.+?^$()|[\]\\]/g, "\\$&")}`;
    })
    .join("");
  return new RegExp(`^${text}$`).test(path);
}

/** Sure where every line's value, or an exact text all of them joined, is like the pattern; possible where any part is. */
function headerIs(
  pattern: string,
  joined: string | undefined,
  lines: readonly string[] | undefined,
): Certainty {
  if (joined === undefined) return "no";
  if (pattern === "*") return "yes";
  const parts = joined.split(",").map((part) => part.trim());
  const values = lines ?? parts;
  if (pattern === joined || values.every((value) => isLike(pattern, value))) return "yes";
  return [joined, ...values, ...parts].some((text) => isLike(pattern, text)) ? "unknown" : "no";
}
