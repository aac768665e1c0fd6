/** What a request looks like to the policies at a door, and which routes hold at a gateway's. */
import type { AdmissionRequest } from "../../../src/decide/index.ts";
import type { Door } from "./access-by-the-text.ts";
import { type Applied, type Gateway, pathOf, type Question, type Route } from "./applied.ts";
import { type Place, placeByTheText, type Taken } from "./attachment-by-the-text.ts";

export function gatewayDoor(
  objects: readonly Applied[],
  question: Question,
  { listener = "" }: Place,
  taken: Taken | undefined,
): Door {
  const gateway = question.from.kind === "client" ? question.from.gateway : "";
  const routes = objects.filter(
    (each): each is Route =>
      (each.kind === "HTTPRoute" || each.kind === "GRPCRoute") &&
      isAtListener(objects, question, each, listener),
  );
  const named = routes.map((route) => ({ kind: route.kind, path: pathOf(route) }));
  return { kind: "gateway", gateway, listener, taken, routes: named };
}

function withListener(gateway: Gateway, listener: string): Gateway {
  const listeners = gateway.spec.listeners.filter(({ name }) => name === listener);
  return { ...gateway, spec: { ...gateway.spec, listeners } };
}

/** It holds there, not beaten by a route of another kind, even where all of its hosts are another listener's. */
function isAtListener(
  objects: readonly Applied[],
  question: Question,
  route: Route,
  listener: string,
): boolean {
  const alone = objects.map((each) => (each.kind === "Gateway" ? withListener(each, listener) : each));
  return [question.authority, ...(route.spec.hostnames ?? [])].some((hostname) => {
    const authority = hostname.replace("*", "any");
    const place = placeByTheText(alone, { ...question, authority });
    return place?.listener === listener && place.routes.includes(route);
  });
}

export function admissionRequest(
  question: Question,
  at: { readonly identity: string; readonly port: number; readonly destination: string },
): AdmissionRequest {
  const header = (name: string) => question.headers.find(([each]) => each === name)?.[1];
  const { method, path, query, authority, isGrpc, requestId } = question;
  return {
    caller: {
      ...{ identity: at.identity, address: "", addressPort: 0, isTls: at.identity !== "", serverName: "" },
      ...{ port: at.port, service: "", destination: at.destination },
    },
    remoteAddress: "",
    http: { method, path, query, authority, isGrpc, requestId, scheme: "http", version: "HTTP/1.1", header },
    claims: undefined,
    nowMs: 0,
  };
}
