/** What `weft tap` reads: a line for each exchange, as protobuf writes JSON: 64-bit numbers are texts, bytes are base64, what is 0 or empty is left out. */
import { anyText } from "./formats.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

const safe = Number.MAX_SAFE_INTEGER;
const maxHeaders = 1_000;
const maxTries = 1_000;
const maxHops = 10_000;
const number64 = { min: 0, max: 20, pattern: "^-?[0-9]*$" };
/** Base64 of the largest body that can be asked for. */
const base64 = { min: 0, max: 131_072 };

function number(description: string) {
  return optional(text(description, number64));
}

function word(description: string) {
  return optional(text(description, anyText));
}

const headerList = (description: string) =>
  optional(
    list(
      description,
      object("A field.", {
        name: word("In lower case."),
        value: optional(text("Base64 of its bytes.", base64)),
      }),
      { max: maxHeaders },
    ),
  );

const trySchema = object("One try at an endpoint.", {
  address: word("Address and port."),
  workload: word("namespace/name of the endpoint."),
  startUs: number("When it began, in microseconds since the exchange's start."),
  connectedUs: number("When it had a place on a connection."),
  firstByteUs: number("When the answer's head came."),
  endUs: number("When it was over."),
  outcome: word("A status, or a reason code."),
});

const recordSchema = object("One exchange or connection that has ended, as one proxy saw it.", {
  orders: optional(list("Of no meaning here.", text("Number.", number64), { max: maxHeaders })),
  direction: optional(oneOf("Which side the proxy was on.", ["DIRECTION_OUTBOUND", "DIRECTION_INBOUND"])),
  proxy: word("namespace/workload of the proxy."),
  requestId: word("Its id; an answer carries it as x-request-id."),
  traceId: word("Trace, in hex."),
  spanId: word("Span, in hex."),
  parentSpanId: word("Parent span, in hex."),
  startUnixUs: number("When it began, by the proxy's clock, in microseconds since 1970."),
  sourceWorkload: word("Who called, namespace/name."),
  sourceIdentity: word("Its SPIFFE id."),
  destinationWorkload: word("Who was called, namespace/name."),
  destinationIdentity: word("Its SPIFFE id."),
  destinationService: word("Service that was dialled, namespace/name."),
  destinationPort: optional(integer("Port that was dialled.", 0, 65_535)),
  destinationVersion: word("Version label of who was called."),
  route: word("namespace/name of the route."),
  rule: word("Its rule's name or place."),
  mtls: optional(flag("Both sides proved their identity.")),
  protocol: word("HTTP/1.1, HTTP/2, gRPC or tcp."),
  method: word("Method."),
  scheme: word("http or https."),
  authority: word("Host, as the client named it."),
  path: word("Path, without the query."),
  query: word("Query without ?, where the mesh's policy tells it."),
  status: optional(integer("HTTP status that the caller got.", 0, safe)),
  grpcStatus: optional(integer("Status of a gRPC call plus 1.", 0, safe)),
  reason: word("Reason code, where something went wrong."),
  detail: word("What is known beyond it."),
  policy: word("Policy that had a say."),
  policyRule: word("Its rule."),
  requestHeaders: headerList("Of the request; secrets are redacted."),
  responseHeaders: headerList("Of the answer."),
  requestBody: optional(text("Base64 of its beginning.", base64)),
  responseBody: optional(text("Base64 of its beginning.", base64)),
  requestBytes: number("Length of the request's body."),
  responseBytes: number("Length of the answer's body."),
  peerAddress: word("Address of the connection's peer."),
  admittedUs: number("When policies had let it in, in microseconds since its start."),
  firstByteUs: number("When the answer began."),
  endUs: number("When it was over."),
  tries: optional(list("Its tries.", trySchema, { max: maxTries })),
  revision: number("Revision of the configuration that decided."),
});
export type TapRecordView = ValueOf<typeof recordSchema>;

export const tapEventSchema = object("One line of a tap.", {
  type: oneOf("What it is.", ["started", "record", "loss", "alive", "end"]),
  proxies: optional(integer("started: how many proxies were told.", 0, safe)),
  record: optional(recordSchema),
  proxy: word("loss: who lost records; control: the reader was too slow."),
  count: optional(integer("loss: how many.", 0, safe)),
  why: word("end: why it is over."),
});
export type TapEvent = ValueOf<typeof tapEventSchema>;

export const tappedRequestSchema = object("One request that a tap saw.", {
  hops: list("In causal order.", recordSchema, { max: maxHops }),
});
