/**
 * What becomes of a request and why: the document that `simulate/` answers with, and that the API, the command line, the
 * dashboard and tests read. Its hops are in the order in which the request takes them.
 */
import Type from "typebox";
import { anyText, message } from "./formats.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";
import { simulatedRequestSchema } from "./simulated-request.ts";

const safe = Number.MAX_SAFE_INTEGER;
/** Rules that did not match, of one hop. What is beyond is counted. */
export const maxOtherRules = 20;
/** Endpoints of one backend that are told. What is beyond is counted. */
export const maxToldEndpoints = 100;
const maxHops = 100;
const maxEntries = 1_000;

const word = (description: string) => text(description, anyText);
const long = (description: string) => text(description, message);
const count = (description: string) => integer(description, 0, safe);
const notes = list("What only the moment knows, and what was assumed.", long("A sentence."), {
  max: maxEntries,
});

const sourceRefSchema = object("The object (and part of it) that decided.", {
  kind: word("Kind."),
  namespace: word("Empty: none."),
  name: word("Name."),
  section: word('Part of it: a rule\'s name or "rules[2]", a listener; empty: the whole.'),
  revision: optional(count("Revision of its last change; absent: not known.")),
  file: optional(long("File that it was read from; absent: it was not read from a file.")),
  line: optional(count("Line of that file.")),
});
export type SourceRef = ValueOf<typeof sourceRefSchema>;

const verdicts = ["forwarded", "answered", "denied", "refused", "unknown"] as const;

export const outcomeSchema = object("What comes of it.", {
  verdict: oneOf(
    "forwarded: an application gets it. answered: a proxy answers (redirect, preflight, fault on purpose). denied: a policy of security or rate says no. refused: the mesh cannot carry it. unknown: only the moment can tell.",
    [...verdicts],
  ),
  status: optional(count("HTTP status that the caller gets, where a proxy makes the answer.")),
  grpcStatus: optional(count("Its gRPC status, where the request is gRPC's.")),
  reason: optional(word("Reason code; docs/reference/reasons.md.")),
  detail: optional(long("What is known beyond it.")),
  by: optional(sourceRefSchema),
});
export type Outcome = ValueOf<typeof outcomeSchema>;

const headerSchema = Type.Tuple([word("Name in lower case."), long("Value.")], {
  description: "Name and value.",
});

const editSchema = object("One edit of a head.", {
  operation: oneOf("What is done.", ["set", "add", "remove"]),
  name: word("Field, in lower case."),
  value: optional(long("Absent: removed.")),
});

const otherRuleSchema = object("A rule that was not taken.", {
  source: optional(sourceRefSchema),
  matched: word('What it asks of the path: "path prefix /x".'),
  why: long("The first thing that differs; or that an earlier entry was taken."),
});

const routeSchema = object("The rule that the request takes.", {
  source: optional(sourceRefSchema),
  matched: long('What of it matched: "path prefix /x, header x-a = b".'),
  others: list("Rules that come before it or beside it, and why they were not taken.", otherRuleSchema, {
    max: maxOtherRules,
  }),
  othersOmitted: count("How many more there are."),
});
export type RouteView = ValueOf<typeof routeSchema>;

const policySchema = object("One policy of authorization that is asked here.", {
  source: optional(sourceRefSchema),
  action: oneOf("What it does where it matches.", ["allow", "deny", "custom", "audit"]),
  level: oneOf("Where it stands.", ["mesh", "namespace", "workload", "route", "unknown"]),
  isDryRun: flag("What it would do is only told."),
  isMatch: flag("A rule of it matches."),
  rule: optional(word("The rule that matches.")),
  mismatch: optional(long("Of the rule that comes nearest: the first field that does not match.")),
});
export type PolicyView = ValueOf<typeof policySchema>;

const tokenSchema = object("What becomes of a token (JWT).", {
  state: oneOf(
    "absent: none was brought. valid, invalid: checked with the issuer's keys. unchecked: its keys are not given here, so that only its claims were checked. assumed: claims were given in the place of a token.",
    ["absent", "valid", "invalid", "unchecked", "assumed"],
  ),
  isRequired: flag("Nothing comes in without one."),
  source: optional(sourceRefSchema),
  issuer: optional(word("Issuer that it names.")),
  detail: optional(long("What is wrong with it.")),
});

const limitSchema = object("A limit of rate that counts here.", {
  source: optional(sourceRefSchema),
  scope: oneOf("Who counts.", ["local", "global", "service"]),
  isCounted: flag("The request is counted by it."),
  key: optional(word("Values of its keys, name=value; empty: one bucket for all.")),
  requests: optional(count("So many per `periodMs`; absent: unlimited, or another service knows.")),
  periodMs: optional(count("Milliseconds.")),
  burst: optional(count("So many at once.")),
  isDryRun: flag("What it would do is only told."),
});

const faultSchema = object("Trouble that is made on purpose.", {
  source: word('Where it is written: "FaultPolicy shop/cart faults[0]".'),
  happens: flag("It comes to this request."),
  why: long("Why it does not; empty: it does."),
  perMillion: count("Share of requests that it comes to, of a million."),
  drawn: optional(Type.Number({ description: "What was drawn for this request, in [0, 1)." })),
  delayMs: count("0: none."),
  httpStatus: count("0: none."),
  grpcStatus: count("0: none."),
  isReset: flag("The connection or stream is reset."),
  bytesPerSecond: count("Of the answer's body; 0: unlimited."),
});

const settingSchema = object("One figure of how the request is carried, with its origin.", {
  field: word("requestTimeoutMs, tryTimeoutMs, retry.maxRetries, hedge.delayMs, …"),
  value: word("As JSON."),
  origin: optional(sourceRefSchema),
});
export type SettingView = ValueOf<typeof settingSchema>;

const mirrorSchema = object("A copy of the request, whose answer is dropped.", {
  cluster: word("namespace/service:port."),
  share: Type.Number({ description: "Of all requests, in [0, 1]." }),
  drawn: Type.Number({ description: "What was drawn for this request, in [0, 1)." }),
  isSent: flag("This request is copied."),
});

const endpointSchema = object("One endpoint of a backend.", {
  workload: word("namespace/name, or an address."),
  address: word("Address and port."),
  identity: word("The SPIFFE id that must answer; empty: none is asked for."),
  health: oneOf("Its state.", ["healthy", "unhealthy", "draining", "ejected", "unknown"]),
  weight: count("Among its equals."),
  priority: count("The lowest with enough fit endpoints takes the requests."),
  region: word("Empty: not known."),
  zone: word("Empty: not known."),
  isPossible: flag("The balancer may choose it for this request."),
});
export type EndpointExplanation = ValueOf<typeof endpointSchema>;

const backendSchema = object("One backend of the rule.", {
  cluster: word("namespace/service:port; empty: none."),
  source: optional(sourceRefSchema),
  unresolved: optional(long("Why the reference leads nowhere.")),
  weight: count("As written."),
  share: Type.Number({ description: "Of the rule's requests, in [0, 1]." }),
  chosen: flag("This request goes there."),
  endpoints: list("Of the chosen one; of others only where asked.", endpointSchema, {
    max: maxToldEndpoints,
  }),
  endpointsOmitted: count("How many more there are."),
});
export type BackendView = ValueOf<typeof backendSchema>;

const messageSchema = object("The request as it leaves this hop.", {
  method: word("Method; of raw connections empty."),
  url: long("Scheme, authority and path."),
  headers: list("Fields, without what proxies tell each other.", headerSchema, { max: maxEntries }),
});

const hopSchema = object("One proxy that the request comes through.", {
  proxy: object("Who it is.", {
    role: oneOf("What it is.", ["sidecar", "gateway"]),
    direction: oneOf("outbound: for the caller. inbound: for the callee.", ["outbound", "inbound"]),
    name: word("namespace/name of the workload or Gateway."),
    identity: word("SPIFFE id; empty: not known."),
  }),
  also: list("Other workloads at whose proxies the same happens to the letter.", word("namespace/name."), {
    max: maxEntries,
  }),
  listener: object("Where it comes in.", {
    text: long('For people: "10.96.0.3:80, Service default/reviews".'),
    address: word("Empty: any."),
    port: count("Port."),
    name: word("Of a gateway's listener; empty: none."),
    hostname: word("Hostname that took the request at a gateway; empty: none."),
    source: optional(sourceRefSchema),
  }),
  protocol: oneOf("What is spoken here.", ["http", "http2", "grpc", "tcp", "tls"]),
  mtls: optional(
    object("Of the connection to this proxy.", {
      mode: oneOf("What the workload asks for.", ["strict", "permissive", "disabled"]),
      isMutual: flag("The connection is mTLS."),
    }),
  ),
  route: optional(routeSchema),
  token: optional(tokenSchema),
  admission: list("Policies that are asked, in their order.", policySchema, { max: maxEntries }),
  limits: list("Limits of rate.", limitSchema, { max: maxEntries }),
  faults: list("Trouble on purpose.", faultSchema, { max: maxEntries }),
  settings: list("Timeouts, retries, hedging.", settingSchema, { max: maxEntries }),
  requestEdits: list("Of the request's head, in their order.", editSchema, { max: maxEntries }),
  responseEdits: list("Of the answer's head, in their order.", editSchema, { max: maxEntries }),
  rewrite: optional(
    object("What becomes of the target.", {
      hostname: optional(word("The new one.")),
      path: optional(long("The new path and query.")),
    }),
  ),
  answer: optional(
    object("What this proxy answers itself.", {
      status: count("HTTP status."),
      headers: list("Its fields.", headerSchema, { max: maxEntries }),
    }),
  ),
  mirrors: list("Copies.", mirrorSchema, { max: maxEntries }),
  backends: list("Of the rule; of an inbound proxy none.", backendSchema, { max: maxEntries }),
  sent: optional(messageSchema),
  outcome: outcomeSchema,
  notes,
});
export type Hop = ValueOf<typeof hopSchema>;

export const explanationSchema = object("What becomes of a request, and why.", {
  requestId: word("By which shares were drawn."),
  request: simulatedRequestSchema,
  revision: optional(count("Of the configuration that was asked; absent: files.")),
  outcome: outcomeSchema,
  hops: list(
    "In the order of the way. Where several endpoints are possible, one inbound hop for each distinct result.",
    hopSchema,
    { max: maxHops },
  ),
  notes,
});
export type Explanation = ValueOf<typeof explanationSchema>;
