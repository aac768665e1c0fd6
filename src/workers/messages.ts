/** What parent and workers say to each other. Both are one program of one version, joined by the channel of the spawn: nobody else is heard. */
import type {
  AgentLookup,
  AgentStatus,
  AvoidedEndpoint,
  BoundAddresses,
  DemandName,
  ProxyPlan,
  Standing,
  SuppliedChange,
} from "../proxy/index.ts";

/** A proxy's plan, without what cannot be sent. */
export type WorkerPlan = Omit<ProxyPlan, "admin" | "health" | "sharing">;

/** What was bound beside the gateway's listeners, which come and go. */
export type Doors = Pick<BoundAddresses, "outbound" | "tunnel" | "plaintextPort">;

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** A listener that is to be closed without losing a connection. */
export interface Retirement {
  readonly place: Place;
  /** Numbers, in the port's order, of the listeners that take new connections from now on. Empty: none will be there. */
  readonly targets: readonly number[];
}

export type ToWorker =
  /** `ours`: where other processes of ours listen, which are joined; any other place must be free. */
  | {
      readonly kind: "start";
      readonly plan: WorkerPlan;
      readonly state: SuppliedChange;
      readonly ours: readonly Place[];
      /** What the parent is in a mesh. Absent: there is none. */
      readonly standing?: Standing;
    }
  | { readonly kind: "commit"; readonly change: SuppliedChange; readonly ours: readonly Place[] }
  /** `status`: of the parent in the mesh, to be shown. */
  | {
      readonly kind: "question";
      readonly id: number;
      readonly page: Page;
      readonly status: AgentStatus | undefined;
    }
  /** A new certificate. */
  | { readonly kind: "standing"; readonly standing: Standing }
  /** Of a lookup: the parent follows as much as it can. */
  | { readonly kind: "noRoom"; readonly name: DemandName }
  /** What is to be tapped: `TapOrders`, encoded. */
  | { readonly kind: "taps"; readonly orders: Uint8Array }
  | { readonly kind: "avoid"; readonly endpoints: readonly AvoidedEndpoint[] }
  /** Closes its listener there without losing a connection. Answered when that is done. */
  | { readonly kind: "retire"; readonly id: number; readonly retirement: Retirement }
  /** Its listeners' ports have none but ours: the kernel spreads connections again. */
  | { readonly kind: "spread" }
  /** What was retired is opened again. */
  | { readonly kind: "reopen" }
  /** `isReplaced`: another process has the ports already. */
  | { readonly kind: "drain"; readonly isReplaced: boolean };

export type FromWorker =
  | { readonly kind: "hello" }
  | { readonly kind: "failed"; readonly message: string }
  /** Of a start or a commit. */
  | {
      readonly kind: "live";
      readonly revision: number;
      readonly listeners: readonly Place[];
      readonly failures: readonly string[];
      readonly doors: Doors;
      /** All listeners, those of the doors too. */
      readonly open: readonly Place[];
    }
  | { readonly kind: "answer"; readonly id: number; readonly text: string }
  | { readonly kind: "avoid"; readonly endpoints: readonly AvoidedEndpoint[] }
  /** All is done and said: the parent may end it. */
  | { readonly kind: "drained" }
  | MeshWord;

/** What a worker needs of the mesh, and tells it. */
export type MeshWord =
  /** The answer is in a change, which all workers get. */
  | { readonly kind: "lookup"; readonly lookup: AgentLookup }
  | { readonly kind: "prefetch"; readonly ip: string }
  | { readonly kind: "touched"; readonly names: readonly DemandName[] }
  /** A telemetry report, encoded. */
  | { readonly kind: "report"; readonly bytes: Uint8Array }
  /** A `TapUpload`, encoded; empty: it does not know the orders yet. */
  | { readonly kind: "tapped"; readonly bytes: Uint8Array };

export function placeText({ address, port }: Place): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

export type Page = "metrics" | "config";

const toWorkerKinds: readonly ToWorker["kind"][] = [
  "start",
  "commit",
  "question",
  "standing",
  "noRoom",
  "taps",
  "avoid",
  "retire",
  "spread",
  "reopen",
  "drain",
];
const meshWordKinds: readonly string[] = [
  "lookup",
  "prefetch",
  "touched",
  "report",
  "tapped",
] satisfies readonly MeshWord["kind"][];
const fromWorkerKinds: readonly string[] = [
  "hello",
  "failed",
  "live",
  "answer",
  "avoid",
  "drained",
  ...meshWordKinds,
];

export function isToWorker(message: unknown): message is ToWorker {
  return isOneOf(message, toWorkerKinds);
}

export function isFromWorker(message: unknown): message is FromWorker {
  return isOneOf(message, fromWorkerKinds);
}

function isOneOf(message: unknown, kinds: readonly string[]): boolean {
  if (typeof message !== "object" || message === null || !("kind" in message)) return false;
  return typeof message.kind === "string" && kinds.includes(message.kind);
}
