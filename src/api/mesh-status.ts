/** What `weft status` reads: the control plane and every proxy with the revision that it runs. */
import { anyText } from "./formats.ts";
import { flag, integer, list, object, oneOf, optional, text, type ValueOf } from "./schema.ts";

/** The answer is one document; a mesh with more proxies asks by namespace. */
const maxProxies = 100_000;
const maxRejections = 16;
/** Objects that a refusal may be due to. */
const maxBlamed = 256;
/** Control planes of one mesh. */
const maxReplicas = 64;
const safe = Number.MAX_SAFE_INTEGER;

const proxyStatusSchema = object("One proxy that is or was connected.", {
  id: text("The proxy's node id.", anyText),
  role: oneOf("What it does.", ["sidecar", "gateway", "waypoint", "node"]),
  workload: text("namespace/name of the workload that it belongs to.", anyText),
  identity: text("Its SPIFFE id.", anyText),
  connected: flag("It has a stream open."),
  revision: integer("The newest revision of which it acknowledged all that it subscribes to.", 0, safe),
  version: optional(text("weft's version there.", anyText)),
  address: optional(text("Where it connects from.", anyText)),
  subscriptions: optional(integer("Resources that it is subscribed to.", 0, safe)),
  answered: optional(
    integer("The newest revision of which it has taken or refused all that it subscribes to.", 0, safe),
  ),
  rejections: optional(
    list(
      "Resources that it refuses: it keeps what it had of them.",
      object("One refusal.", {
        resource: text("Its kind and name.", anyText),
        message: text("Why.", anyText),
        revision: optional(integer("The newest revision when it was sent.", 0, safe)),
        objects: optional(
          list("What it is made of and may be due to.", text("Kind and name.", anyText), { max: maxBlamed }),
        ),
      }),
      { max: maxRejections },
    ),
  ),
});
export type ProxyStatus = ValueOf<typeof proxyStatusSchema>;

const replicaStatusSchema = object("One of several control planes over one store.", {
  name: text("Its name, kept over restarts.", anyText),
  leading: flag("It writes statuses and drives changes of the root."),
  revision: integer("The newest revision that it has compiled.", 0, safe),
  proxies: integer("Proxies that are connected to it.", 0, safe),
  version: text("weft's version there.", anyText),
  startTimeMs: integer("When it started, in Unix milliseconds.", 0, safe),
});

export const meshStatusSchema = object("State of the mesh.", {
  revision: integer("The newest revision of operators' resources.", 0, safe),
  sequence: integer("The newest write of any kind.", 0, safe),
  compiledRevision: integer("The newest revision that is compiled and handed out.", 0, safe),
  trustDomain: text("The mesh's trust domain.", anyText),
  version: text("Version of the control plane.", anyText),
  startTimeMs: integer("When the control plane started, in Unix milliseconds.", 0, safe),
  isLivenessFrozen: flag("Too many workloads would expire at once, so none does."),
  replicas: optional(
    list(
      "Control planes that share the store, the answering one first; absent: it is the only one.",
      replicaStatusSchema,
      {
        max: maxReplicas,
      },
    ),
  ),
  proxies: list("Every proxy.", proxyStatusSchema, { max: maxProxies }),
});
export type MeshStatus = ValueOf<typeof meshStatusSchema>;
