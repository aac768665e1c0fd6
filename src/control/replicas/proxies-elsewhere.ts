/** What is known of proxies that are connected to other replicas, and how it is written down. */
import type { MetricsPlace, ProxyRole, RefusedResource } from "../../distribute/index.ts";
import { jsonOf } from "../../store/etcd/index.ts";
import type { TrialRecord } from "../rollout/trial.ts";
import type { ShownCertificate } from "../shown-certificate.ts";

/** Told of one proxy; more is no other news. */
export const maxRefusals = 16;

/** A resource that a proxy refuses. */
export interface RefusalRecord extends Omit<RefusedResource, "fromRevision"> {
  /** Absent: no commit made the resource what it is. */
  readonly fromRevision?: number;
}

/** One proxy with a stream at some replica. */
export interface ProxyRecord {
  /** "namespace/name" */
  readonly workload: string;
  readonly role: ProxyRole;
  readonly identity: string;
  readonly revision: number;
  readonly answered?: number;
  readonly refused?: readonly RefusalRecord[];
  readonly certificate?: ShownCertificate;
  /** Version of the `Mesh` resource, with roots and revocations, that it has acknowledged; empty: not the newest there. */
  readonly mesh: string;
  readonly metrics?: MetricsPlace;
  /** Of the gateway's machine. */
  readonly addresses?: readonly string[];
  /** The configuration that is tried out concerns it, or it has it. */
  readonly trial?: "concerned" | "canary";
}

export interface ReplicaRecord {
  /** When it was started, in Unix milliseconds. */
  readonly startMs: number;
  /** The newest that it has compiled. */
  readonly revision: number;
  readonly version: string;
  /** What its proxies reported of a configuration on trial. */
  readonly trial?: TrialRecord;
}

/** One value in etcd: a part of a replica's proxies. */
export interface PresencePart {
  readonly replica: ReplicaRecord;
  readonly proxies: readonly ProxyRecord[];
}

/** In JSON nothing is infinite. */
export function refusedPart(refused: readonly RefusedResource[]): Pick<ProxyRecord, "refused"> {
  if (refused.length === 0) return {};
  return {
    refused: refused.slice(0, maxRefusals).map(({ fromRevision, ...rest }): RefusalRecord => {
      return Number.isFinite(fromRevision) ? { ...rest, fromRevision } : rest;
    }),
  };
}

export function restoredRefusal({
  fromRevision = Number.POSITIVE_INFINITY,
  ...rest
}: RefusalRecord): RefusedResource {
  return { ...rest, fromRevision };
}

export function encodePart(part: PresencePart): Uint8Array {
  return Bun.zstdCompressSync(Buffer.from(JSON.stringify(part)));
}

/** Undefined where another version of weft wrote something else. */
export function decodePart(value: Uint8Array): PresencePart | undefined {
  const parsed = jsonOf(Bun.zstdDecompressSync(value), "presence");
  return isPart(parsed) ? parsed : undefined;
}

function isPart(value: unknown): value is PresencePart {
  const fields = fieldsOf(value);
  const replica = fieldsOf(fields.get("replica"));
  const proxies: unknown = fields.get("proxies");
  return (
    typeof replica.get("startMs") === "number" &&
    typeof replica.get("revision") === "number" &&
    typeof replica.get("version") === "string" &&
    Array.isArray(proxies) &&
    proxies.every(isRecord)
  );
}

function isRecord(value: unknown): value is ProxyRecord {
  const fields = fieldsOf(value);
  const role = fields.get("role");
  return (
    ["workload", "identity", "mesh"].every((name) => typeof fields.get(name) === "string") &&
    typeof fields.get("revision") === "number" &&
    (!fields.has("refused") || Array.isArray(fields.get("refused"))) &&
    (role === "sidecar" || role === "gateway")
  );
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(typeof value === "object" ? Object.entries(value ?? {}) : []);
}
