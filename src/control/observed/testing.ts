/** A mesh of nothing but reports: what views and findings are tested with. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type ApiObject,
  type CertificatesStatus,
  isOfKind,
  isStored,
  type KindName,
  type MeshStatus,
  parseObject,
  type Stored,
} from "../../api/index.ts";
import { bucketOf, silentLog, VirtualClock } from "../../kernel/index.ts";
import {
  Aggregator,
  Ejections,
  PlaintextCallers,
  Reporters,
  type TelemetryMethods,
  telemetryMethods,
} from "../../observe/index.ts";
import { ChangeSet, RegistryIndex } from "../../registry/index.ts";
import { Direction, type EdgeDeltaSchema, TelemetryReportSchema } from "../../wire/index.ts";
import type { ObservedParts } from "./observed-parts.ts";
import { groupOfWorkload } from "./workload-group.ts";

export type ReportInit = MessageInitShape<typeof TelemetryReportSchema>;
type Edge = Omit<MessageInitShape<typeof EdgeDeltaSchema>, "$typeName" | "$unknown">;

export interface Calls {
  /** "shop/web-1" */
  readonly from: string;
  readonly to: string;
  readonly count: number;
  readonly ms?: number;
  readonly more?: Edge;
}

export const noCertificates: CertificatesStatus = { authorities: [], certificates: [], revoked: [] };

export function meshStatus(proxies: MeshStatus["proxies"] = []): MeshStatus {
  return {
    ...{ revision: 4, sequence: 9, compiledRevision: 4, trustDomain: "td", version: "0", startTimeMs: 0 },
    ...{ isLivenessFrozen: false, proxies },
  };
}

export class ObservedMesh {
  readonly clock = new VirtualClock();
  readonly registry = new RegistryIndex();
  readonly aggregator: Aggregator;
  readonly plaintextCallers = new PlaintextCallers(this.clock);
  readonly objects: Stored[] = [];
  readonly parts: ObservedParts;
  readonly #methods: TelemetryMethods;

  constructor(parts: Partial<ObservedParts> = {}) {
    const { clock, registry } = this;
    this.aggregator = new Aggregator({ clock, groupOf: (workload) => groupOfWorkload(registry, workload) });
    const [reporters, ejections] = [new Reporters(clock), new Ejections(clock)];
    this.#methods = telemetryMethods(this.aggregator, reporters, [this.plaintextCallers, ejections]);
    this.parts = {
      ...{ aggregator: this.aggregator, reporters, ejections, registry, log: silentLog },
      plaintextCallers: this.plaintextCallers,
      store: {
        list: <K extends KindName>({ kind }: { readonly kind: K }) => ({
          items: this.objects.filter((object) => isOfKind(object, kind)),
          sequence: 1,
        }),
      },
      names: () => ({
        isGateway: (id) => id.endsWith("gateway"),
        serviceKind: (path) => (registry.service(path) === undefined ? undefined : "service"),
      }),
      meshStatus: () => meshStatus(),
      certificates: () => noCertificates,
      nowMs: () => clock.nowMs(),
      ...parts,
    };
  }

  apply(...objects: readonly object[]): void {
    for (const object of objects) {
      const parsed = parseObject(object, "write");
      if ("issues" in parsed) throw new Error(JSON.stringify(parsed.issues));
      this.#put(parsed.object);
    }
  }

  /** A Service with workloads NAME-1, NAME-2 and so on. */
  service(path: string, workloads: number): void {
    const [namespace, name] = path.split("/");
    this.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace, name },
      spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
    });
    for (let index = 1; index <= workloads; index++) {
      this.apply({
        apiVersion: "weft.dev/v1alpha1",
        kind: "MeshWorkload",
        metadata: { namespace, name: `${name}-${index}`, labels: { app: name, version: `v${index}` } },
        spec: {
          serviceAccount: name,
          addresses: [`10.77.0.${this.objects.length + 1}`],
          ports: [{ port: 8080 }],
        },
      });
    }
  }

  report(proxy: string, init: ReportInit): void {
    const bytes = toBinary(TelemetryReportSchema, create(TelemetryReportSchema, { proxy, ...init }));
    this.#methods.report(bytes, identityOf(proxy));
  }

  /** As the caller's proxy reports it. */
  call({ from, to, count, ms = 5, more }: Calls): void {
    const us = ms * 1_000;
    const edge: Edge = {
      direction: Direction.OUTBOUND,
      sourceWorkload: from,
      sourceIdentity: identityOf(from),
      destinationWorkload: to,
      destinationIdentity: identityOf(to),
      destinationService: serviceOf(to),
      destinationPort: 80,
      protocol: "http",
      responseClass: "2xx",
      responseCode: 200,
      mtls: true,
      count: BigInt(count),
      duration: { buckets: [bucketOf(us)], counts: [count], sumUs: BigInt(us * count) },
      ...more,
    };
    this.report(from, { edges: [edge] });
  }

  #put(object: ApiObject): void {
    const metadata = {
      ...object.metadata,
      creationTimestamp: new Date(this.clock.nowMs()).toISOString(),
      ...{ uid: "u", resourceVersion: "1", generation: 1 },
    };
    const stored = parseObject({ ...object, metadata }, "read");
    if ("issues" in stored || !isStored(stored.object)) throw new Error("not as a store has it");
    this.objects.push(stored.object);
    const changes = new ChangeSet();
    if (object.kind === "Service") this.registry.upsertService(object, changes);
    if (object.kind === "MeshWorkload") this.registry.upsertWorkload(object, "live", changes);
    this.aggregator.regroup(changes.workloads);
  }
}

function serviceOf(workload: string): string {
  return workload.slice(0, workload.lastIndexOf("-"));
}

function identityOf(workload: string): string {
  const [namespace = "", name = ""] = serviceOf(workload).split("/");
  return `spiffe://td/ns/${namespace}/sa/${name}`;
}
