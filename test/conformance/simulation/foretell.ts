/**
 * The oracle: what becomes of one request, from the objects as they were applied and the texts of Gateway API and of
 * docs/reference, with nothing of the product's compiler, decisions or simulation. Slow and plain on purpose.
 */
import { accessByTheText } from "./access-by-the-text.ts";
import {
  type Applied,
  type BackendRef,
  namespaceOf,
  pathOf,
  type Question,
  type Workload,
} from "./applied.ts";
import { placeByTheText, ruleByTheText, type Taken } from "./attachment-by-the-text.ts";
import { chooseByTheText, endpointsByTheText, isResolved, sharesByTheText } from "./backends-by-the-text.ts";
import { type CorsAnswer, corsByTheText } from "./cors-by-the-text.ts";
import { admissionRequest, gatewayDoor } from "./doors-by-the-text.ts";
import { mirrorsByTheText } from "./mirrors-by-the-text.ts";
import {
  editByTheText,
  type Fields,
  filterOf,
  redirectByTheText,
  rewritingByTheText,
} from "./rewriting-by-the-text.ts";
import { type Carriage, carriageByTheText, faultByTheText, grpcCodes } from "./settings-by-the-text.ts";

export interface Foretold {
  /** "unknown": it depends on the endpoint, and is one of `among`. */
  readonly verdict: "forwarded" | "answered" | "denied" | "refused" | "unknown";
  readonly among: readonly Foretold[];
  /** "namespace/name" of every workload that may get it, sorted. */
  readonly endpoints: readonly string[];
  /** That the caller gets, where a proxy answers; of gRPC the gRPC status. */
  readonly status: number | undefined;
  /** Reason code; empty: an answer of the route's own. */
  readonly reason: string;
  /** "HTTPRoute shop/r1 rules[0]"; empty: none. */
  readonly route: string;
  /** "shop/one:80"; empty: none. */
  readonly backend: string;
  /** "namespace/name" of the policy that denied, or that made the fault; empty: none, or nothing allowed it. */
  readonly policy: string;
  readonly location: string | undefined;
  /** What is said to another origin; undefined: nothing. */
  readonly cors: CorsAnswer | undefined;
  readonly carriage: Carriage | undefined;
  /** Of the rule's requests, by "namespace/service:port" of backends that there are; undefined: they are not looked at. */
  readonly shares: ReadonlyMap<string, number> | undefined;
  /** What the backend sees. */
  readonly sent: { readonly authority: string; readonly target: string; readonly fields: Fields } | undefined;
  /** Of whom copies are sent to, "namespace/service:port". */
  readonly mirrors: readonly string[];
  /** Those of them that surely arrive, and those that may. */
  readonly copies: { readonly sure: readonly string[]; readonly possible: readonly string[] };
  /** Edits of the answer, in their order. */
  readonly answerEdits: readonly NonNullable<ReturnType<typeof filterOf<"responseHeaderModifier">>>[];
}

export interface Circumstances {
  readonly trustDomain: string;
  readonly nowMs: number;
}

const nothing = {
  ...{ reason: "", route: "", backend: "", policy: "", among: [], endpoints: [], mirrors: [] },
  copies: { sure: [], possible: [] },
  ...{
    status: undefined,
    location: undefined,
    cors: undefined,
    carriage: undefined,
    shares: undefined,
    sent: undefined,
    answerEdits: [],
  },
};

export function foretell(
  objects: readonly Applied[],
  question: Question,
  circumstances: Circumstances,
): Foretold {
  const place = placeByTheText(objects, question);
  if (place === undefined) return refused(question, "no_route", 404, "");
  const taken = ruleByTheText(place.routes, question);
  const route = taken === undefined ? "" : nameOf(taken);
  const cors = corsByTheText(filterOf(taken?.rule.filters, "cors"), question);
  // Browsers send nothing with it that a policy could ask for, so nobody is asked.
  if (cors?.isPreflight === true) return { ...nothing, verdict: "answered", route, cors };
  if (question.from.kind === "client") {
    const door = gatewayDoor(objects, question, place, taken);
    const request = admissionRequest(question, {
      identity: "",
      port: question.port,
      destination: question.from.gateway,
    });
    const access = accessByTheText(objects, door, request, circumstances.trustDomain);
    if (!access.isAllowed) return denied(question, access.policy, route);
  }
  if (taken === undefined && (place.routes.length > 0 || question.from.kind === "client"))
    return refused(question, "no_route", 404, "");
  const redirect = filterOf(taken?.rule.filters, "requestRedirect");
  if (taken !== undefined && redirect !== undefined) {
    const { status, location } = redirectByTheText(redirect, question, taken.prefix);
    return { ...nothing, verdict: "answered", status, location, route };
  }
  const chosen = taken === undefined ? plainBackend(question) : chooseByTheText(taken, question.requestId);
  if (chosen === undefined || (taken !== undefined && !isResolved(objects, taken.route, question, chosen)))
    return refused(question, "backend_unresolved", 500, route);
  return { ...carried(objects, question, { taken, route, chosen }, circumstances), cors };
}

interface Carried {
  readonly taken: Taken | undefined;
  readonly route: string;
  readonly chosen: BackendRef;
}

function carried(
  objects: readonly Applied[],
  question: Question,
  { taken, route, chosen }: Carried,
  { trustDomain, nowMs }: Circumstances,
): Foretold {
  const namespace = chosen.namespace ?? (taken === undefined ? "default" : namespaceOf(taken.route));
  const [service, port] = [`${namespace}/${chosen.name}`, chosen.port ?? 0];
  const isGateway = question.from.kind === "client";
  const carriage = carriageByTheText(objects, taken, { service, port, isGateway });
  const backend = `${service}:${port}`;
  const shares = sharesByTheText(objects, question, taken);
  const common = { ...nothing, route, backend, carriage, shares };
  const found = faultByTheText(objects, question, taken, { service, port, nowMs });
  if (found?.fault.abort !== undefined) {
    const status = abortStatus(found.fault.abort, question.isGrpc);
    const policy = found.source.split(" ")[1] ?? "";
    return { ...common, verdict: "answered", status, reason: "fault_injected", policy };
  }
  const sent = sentByTheText(question, taken, chosen);
  const ask = (place: { readonly service: string; readonly port: number }): Answer[] =>
    askedEndpoints(objects, { question, sent, trustDomain }, place);
  const answers = ask({ service, port });
  const known = { ...common, endpoints: answers.map(({ workload }) => workload).toSorted() };
  if (answers.length === 0) {
    return { ...refused(question, "no_endpoint", 503, route), backend, carriage, shares };
  }
  const answerEdits = [taken?.rule.filters, chosen.filters].flatMap(
    (filters) => filterOf(filters, "responseHeaderModifier") ?? [],
  );
  const mirrors = taken === undefined ? [] : mirrorsByTheText(objects, question, taken, chosen);
  const copies = copiesOf(mirrors, ask);
  const forwarded = { ...known, verdict: "forwarded" as const, sent, answerEdits, mirrors, copies };
  const allows = answers.filter(({ isAllowed }) => isAllowed);
  if (allows.length === answers.length) return forwarded;
  // Where each says no, whose no it is may be left open.
  const policies = new Set(answers.flatMap(({ isAllowed, policy }) => (isAllowed ? [] : [policy])));
  const policy = policies.size === 1 ? ([...policies][0] ?? "") : "";
  const no = { ...denied(question, policy, route), backend, carriage, shares, endpoints: known.endpoints };
  if (allows.length === 0) return no;
  const endpoints = allows.map(({ workload }) => workload).toSorted();
  return { ...forwarded, verdict: "unknown", among: [{ ...forwarded, endpoints }, no] };
}

/** What the policies at one endpoint say. */
interface Answer {
  readonly workload: string;
  readonly isAllowed: boolean;
  readonly policy: string;
}

function askedEndpoints(
  objects: readonly Applied[],
  asked: {
    readonly question: Question;
    readonly sent: ReturnType<typeof sentByTheText>;
    readonly trustDomain: string;
  },
  { service, port }: { readonly service: string; readonly port: number },
): Answer[] {
  const { question, sent, trustDomain } = asked;
  return endpointsByTheText(objects, service, port).map((endpoint) => {
    const workload = pathOf(endpoint.workload);
    const request = admissionRequest(
      { ...question, ...splitTarget(sent.target), authority: sent.authority, headers: flat(sent.fields) },
      { identity: identityOf(objects, question, trustDomain), port: endpoint.port, destination: workload },
    );
    return { workload, ...accessByTheText(objects, { kind: "workload", ...endpoint }, request, trustDomain) };
  });
}

/** A copy is asked about as the request is. Nothing else becomes of one that nobody takes. */
function copiesOf(
  mirrors: readonly string[],
  ask: (place: { readonly service: string; readonly port: number }) => readonly Answer[],
): Foretold["copies"] {
  const sure: string[] = [];
  const possible: string[] = [];
  for (const mirror of mirrors) {
    const [service = "", port = ""] = mirror.split(":");
    const answers = ask({ service, port: Number(port) });
    const allows = answers.filter(({ isAllowed }) => isAllowed);
    if (allows.length > 0) (allows.length === answers.length ? sure : possible).push(mirror);
  }
  return { sure, possible };
}

function refused(question: Question, reason: string, status: number, route: string): Foretold {
  const codes: Readonly<Record<string, number>> = { no_route: 12, backend_unresolved: 14, no_endpoint: 14 };
  return { ...nothing, verdict: "refused", status: question.isGrpc ? codes[reason] : status, reason, route };
}

function denied(question: Question, policy: string, route: string): Foretold {
  const status = question.isGrpc ? 7 : 403;
  return { ...nothing, verdict: "denied", status, reason: "authorization_denied", policy, route };
}

function nameOf({ route, rule, index }: Taken): string {
  return `${route.kind} ${pathOf(route)} ${rule.name ?? `rules[${index}]`}`;
}

function plainBackend({ service, port }: Question): BackendRef {
  const [namespace = "", name = ""] = service.split("/");
  return { namespace, name, port };
}

function sentByTheText(question: Question, taken: Taken | undefined, backend: BackendRef) {
  const query = question.query === "" ? "" : `?${question.query}`;
  const came: Fields = new Map(question.headers.map(([name, value]) => [name, [value]]));
  if (taken === undefined)
    return { authority: question.authority, target: question.path + query, fields: came };
  const { authority, path } = rewritingByTheText(question, taken.rule, backend.filters, taken.prefix);
  const ofRule = editByTheText(came, filterOf(taken.rule.filters, "requestHeaderModifier"));
  const fields = editByTheText(ofRule, filterOf(backend.filters, "requestHeaderModifier"));
  return { authority, target: path + query, fields };
}

function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const [path = "", ...query] = target.split("?");
  return { path, query: query.join("?") };
}

function flat(fields: Fields): [string, string][] {
  return [...fields].map(([name, values]) => [name, values.join(", ")]);
}

function identityOf(objects: readonly Applied[], { from }: Question, trustDomain: string): string {
  if (from.kind === "client") return `spiffe://${trustDomain}/ns/weft-system/sa/gateway`;
  const workload = objects.find(
    (each): each is Workload => each.kind === "MeshWorkload" && pathOf(each) === from.workload,
  );
  const [namespace = ""] = from.workload.split("/");
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${workload?.spec.serviceAccount ?? "default"}`;
}

/** docs of gRPC: http-grpc-status-mapping.md, and google.rpc.Code's own statuses of HTTP. */
const httpOfCode = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
const codeOfHttp: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

function abortStatus(
  { httpStatus, grpcStatus = "" }: { readonly httpStatus?: number; readonly grpcStatus?: string },
  isGrpc: boolean,
): number {
  if (httpStatus !== undefined) return isGrpc ? (codeOfHttp[httpStatus] ?? 2) : httpStatus;
  const code = grpcCodes.indexOf(grpcStatus);
  return isGrpc ? code : (httpOfCode[code] ?? 500);
}
