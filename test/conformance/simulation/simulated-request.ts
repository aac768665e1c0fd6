/** A question as `weft explain`, plans and tests take it. */
import type { SimulatedRequest } from "../../../src/api/index.ts";
import type { Question } from "./applied.ts";

/** Of clients from outside; nobody's (RFC 5737). */
const clientAddress = "192.0.2.1";

export function simulatedRequest(question: Question): SimulatedRequest {
  const { from, authority, method, path, query, headers, requestId, isGrpc } = question;
  return {
    from:
      from.kind === "client" ? { gateway: from.gateway, client: clientAddress } : { workload: from.workload },
    url: `${isGrpc ? "grpc" : "http"}://${authority}${path}${query === "" ? "" : `?${query}`}`,
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    requestId,
  };
}
