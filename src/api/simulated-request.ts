/** A request that is asked about and not made: who makes it, and what it says. */
import Type from "typebox";
import { anyText, ipAddress, message } from "./formats.ts";
import { integer, list, object, oneOf, opaque, optional, text, textMap, type ValueOf } from "./schema.ts";

const safe = Number.MAX_SAFE_INTEGER;
const maxSimulatedHeaders = 200;

const header = Type.Tuple([text("Name, in any case.", anyText), text("Value.", message)], {
  description: "Name and value.",
});

const callerSchema = object(
  "Who makes it: a workload; whoever has a service account; or a client of a gateway.",
  {
    workload: optional(
      text("namespace/name of a workload, or of a Service, whose first workload by name is taken.", anyText),
    ),
    namespace: optional(text("Of a caller that is no workload yet, with `serviceAccount`.", anyText)),
    serviceAccount: optional(text("Its service account.", anyText)),
    labels: optional(textMap("Labels that it would have.", anyText, anyText, 100)),
    gateway: optional(text("namespace/name of the Gateway at which a client from outside calls.", anyText)),
    client: optional(text("Address of that client. Default: 192.0.2.1, which is nobody's.", ipAddress)),
  },
);
export type SimulatedCaller = ValueOf<typeof callerSchema>;

export const simulatedRequestSchema = object("A request that is asked about and not made.", {
  from: callerSchema,
  url: text(
    "Where to, as the caller would write it: http://reviews/x, https://shop.example.com/, tcp://10.0.0.3:5432, grpc://ratings:9080/pkg.Service/Method.",
    message,
  ),
  method: optional(text("Default: GET; of gRPC: POST.", anyText)),
  headers: optional(list("Fields in their order.", header, { max: maxSimulatedHeaders })),
  requestId: optional(
    text(
      "Its x-request-id, by which shares are drawn. Default: the one of its headers, else a fixed one.",
      anyText,
    ),
  ),
  bodyBytes: optional(integer("Length of its body. Default: 0.", 0, safe)),
  sourceAddress: optional(
    text("Address from which the caller connects. Default: the workload's own.", ipAddress),
  ),
  protocol: optional(oneOf("What is spoken. Default: as the URL's scheme says.", ["http", "grpc", "tcp"])),
  claims: optional(opaque("Taken as the claims of a valid token, in the place of a token itself.")),
});
export type SimulatedRequest = ValueOf<typeof simulatedRequestSchema>;

/** What `POST …/explain` takes: one of the two. */
export const explainRequestSchema = object("What is to be explained.", {
  request: optional(simulatedRequestSchema),
  requestId: optional(text("Id of a recent request, which is made again in thought.", anyText)),
});
export type ExplainRequest = ValueOf<typeof explainRequestSchema>;
