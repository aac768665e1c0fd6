/** Incremental compilation against full: after every random change, all that was kept up to date equals what a new compiler makes of the same objects. */
import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import { keyOf, keyText, type Stored } from "../api/index.ts";
import { AddressSchema, clusterKey, GatewaySchema, InboundSchema, outboundKey } from "../model/index.ts";
import { Compiler, type CompileOutput } from "./compiler.ts";
import type { CompiledResource, ResourceName } from "./resource.ts";
import { resourceNode } from "./resource-kinds.ts";
import { trust } from "./test/objects.ts";
import { keySetUris } from "./test/random-security.ts";
import type { KeySetChange } from "./key-sets.ts";
import {
  namespaces,
  type Random,
  randomChange,
  secrets,
  seededRandom,
  services,
  workloads,
} from "./test/random-mesh.ts";
import { externals } from "./test/random-external.ts";
import { TestRegistry } from "./test/test-registry.ts";

const seed = Number(process.env["WEFT_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const rounds = 20;
const maxRounds = 60;
/** Fifteen seconds of a core that is free. */
const timeoutMs = 240_000;
const changesPerRound = 60;

function allNames(): ResourceName[] {
  const names: ResourceName[] = [{ kind: "Mesh", key: "mesh" }];
  for (const namespace of namespaces) {
    names.push({ kind: "Gateway", key: `${namespace}/edge` });
    for (const secret of secrets) names.push({ kind: "Certificate", key: `${namespace}/${secret}` });
    for (const workload of workloads) {
      names.push({ kind: "Inbound", key: `${namespace}/${workload}` });
      names.push({ kind: "Endpoint", key: `red/a:80/${namespace}/${workload}` });
    }
    for (const service of new Set([...services, ...externals])) {
      names.push({ kind: "Name", key: `${service}.${namespace}.svc.cluster.local` });
      for (const port of [80, 81]) {
        names.push({ kind: "Cluster", key: clusterKey(namespace, service, port, "UDP") });
        names.push({ kind: "Cluster", key: `${namespace}/${service}:${port}` });
        for (const client of namespaces) {
          names.push({ kind: "Outbound", key: outboundKey(namespace, service, port, client) });
        }
      }
    }
  }
  for (const name of [
    "api.example.net",
    "b.example.net",
    "b.eu.example.net",
    "db.cluster.local",
    "example.net",
  ]) {
    names.push({ kind: "Name", key: name });
  }
  for (let last = 201; last < 210; last++) names.push({ kind: "Address", key: `240.240.0.${last}` });
  for (const ip of ["198.51.100.7", "198.51.100.8"]) names.push({ kind: "Address", key: ip });
  for (let last = 1; last < 15; last++) {
    names.push({ kind: "Address", key: `240.240.0.${last}` }, { kind: "Address", key: `10.77.0.${last}` });
  }
  return names;
}

const names = allNames();
const clusters = names.filter((name) => name.kind === "Cluster").map((name) => name.key);

/** What somebody knows who was only told of changes. */
class Mirror {
  readonly versions = new Map<string, string>();

  constructor(compiler: Compiler) {
    for (const name of names) {
      const resource = compiler.get(name);
      if (resource !== undefined) this.versions.set(resourceNode(name), resource.version);
    }
  }

  apply(output: CompileOutput): void {
    for (const resource of output.upserted) this.versions.set(resourceNode(resource), resource.version);
    for (const name of output.removed) this.versions.delete(resourceNode(name));
  }
}

function isShared({ kind, bytes }: CompiledResource): boolean {
  return kind === "Address" && fromBinary(AddressSchema, bytes).target.case === "shared";
}

/** A workload or Gateway at which something is asked. */
function isAsking({ kind, bytes }: CompiledResource): boolean {
  if (kind === "Inbound") return fromBinary(InboundSchema, bytes).admissions.length > 0;
  return kind === "Gateway" && fromBinary(GatewaySchema, bytes).admissions.length > 0;
}

/** A workload or Gateway of whose traffic something is said. */
function isTelling({ kind, bytes }: CompiledResource): boolean {
  if (kind === "Inbound") return fromBinary(InboundSchema, bytes).telemetry !== undefined;
  return kind === "Gateway" && fromBinary(GatewaySchema, bytes).telemetry !== undefined;
}

function randomKeySet(random: Random): KeySetChange {
  const uri = keySetUris[random() < 0.5 ? 0 : 1];
  return random() < 0.2
    ? { uri, document: undefined, error: "connection refused" }
    : { uri, document: `{"keys":[${random() < 0.5 ? 1 : 2}]}`, error: undefined };
}

function state(compiler: Compiler) {
  return {
    versions: Object.fromEntries(names.map((name) => [resourceNode(name), compiler.get(name)?.version])),
    members: Object.fromEntries(clusters.map((cluster) => [cluster, compiler.members(cluster)])),
    gateways: compiler.gateways(),
    wantedJwks: compiler.wantedJwks,
    statuses: compiler.statuses(),
  };
}

test(
  `incremental equals full (WEFT_TEST_SEED=${seed})`,
  () => {
    const random = seededRandom(seed);
    let outputs = 0;
    let certificates = 0;
    let shared = 0;
    let policies = 0;
    let asking = 0;
    let telling = 0;
    // A generator whose changes touch nothing would compare nothing; with some seeds what is rare comes in later rounds.
    const isEnough = (): boolean => certificates > 5 && shared > 5 && asking > 50 && telling > 50;
    for (let round = 0; round < rounds || (round < maxRounds && !isEnough()); round++) {
      const registry = new TestRegistry();
      const compiler = new Compiler({ ...trust, registry });
      const mirror = new Mirror(compiler);
      for (const cluster of clusters) compiler.members(cluster);
      const objects = new Map<string, Stored>();
      const keySets = new Map<string, KeySetChange>();
      for (let i = 0; i < changesPerRound; i++) {
        const batch = Array.from({ length: 1 + Math.floor(random() * 3) }, () => randomChange(random, i + 1));
        // Within one change an object is named once, as in a transaction.
        const unique = [...new Map(batch.map((change) => [keyText(keyOf(change.object)), change])).values()];
        for (const { object, isRemoved } of unique) {
          if (isRemoved) objects.delete(keyText(keyOf(object)));
          else objects.set(keyText(keyOf(object)), object);
        }
        if (random() < 0.2) registry.setDraining("red/w1", random() < 0.5);
        const keySet = randomKeySet(random);
        if (compiler.wantedJwks.has(keySet.uri)) keySets.set(keySet.uri, keySet);
        const output = compiler.apply({
          keySets: [...keySets.values()],
          upserted: unique.filter((change) => !change.isRemoved).map((change) => change.object),
          removed: unique.filter((change) => change.isRemoved).map((change) => keyOf(change.object)),
          registry: registry.replace([...objects.values()]),
        });
        outputs += output.upserted.length + output.removed.length;
        certificates += output.upserted.filter(({ closure }) => closure.certificates.length > 0).length;
        shared += output.upserted.filter(isShared).length;
        policies += output.statuses.filter(({ status }) => status.kind === "policy").length;
        asking += output.upserted.filter(isAsking).length;
        telling += output.upserted.filter(isTelling).length;
        mirror.apply(output);
        for (const uri of keySets.keys()) if (!compiler.wantedJwks.has(uri)) keySets.delete(uri);

        const fresh = new Compiler({ ...trust, registry });
        const all = [...objects.values()];
        fresh.apply({ upserted: all, keySets: [...keySets.values()] });
        const expected = state(fresh);
        expect(state(compiler)).toEqual(expected);
        const known = Object.entries(expected.versions).filter((entry) => entry[1] !== undefined);
        expect(Object.fromEntries<string | undefined>(mirror.versions)).toEqual(Object.fromEntries(known));
      }
    }
    expect(outputs).toBeGreaterThan(1_000);
    expect(certificates).toBeGreaterThan(5);
    expect(shared).toBeGreaterThan(5);
    expect(policies).toBeGreaterThan(100);
    expect(asking).toBeGreaterThan(50);
    expect(telling).toBeGreaterThan(50);
  },
  timeoutMs,
);
