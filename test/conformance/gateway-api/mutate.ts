/**
 * Grows objects from valid ones: one to three changes, each at a place that the CRD's schema knows, mostly to something that
 * is plausible there. Seeded, so that a difference can be met again.
 */
import { type CrdSchema, isRecord } from "./crds.ts";

export type Random = () => number;

const texts = [
  "",
  "a",
  "web",
  "Web",
  "edge",
  "one",
  "shop",
  "10.0.0.1",
  "fd00::1",
  "a.example.com",
  "b.example.com",
  "*.example.com",
  "*",
  "*.*.example.com",
  "a..b",
  "a*.example.com",
  "/",
  "/a",
  "/a/b",
  "a/b",
  "/a//b",
  "/a/./b",
  "/a/../b",
  "/a/..",
  "/a/.",
  "/a%2fb",
  "/a%2Fb",
  "/a#b",
  "/a?b",
  "/a%4",
  "two words",
  "two  words",
  " led",
  "trailing ",
  "tab\tbed",
  "line\nbreak",
  "é",
  "x-header",
  "X-Header",
  "x header",
  "x_h",
  "0s",
  "1s",
  "10m",
  "1h30m",
  "90",
  "1d",
  "123456s",
  "Service",
  "ConfigMap",
  "gateway.networking.k8s.io",
  "example.com/option",
  "example.com/Option_1",
  "-a/b",
  "System",
  "system",
  "spiffe://example.com/a",
  "https://a.example.com",
  "http://*.example.com:8080",
  "https://*",
  "IPAddress",
  "Hostname",
  "NamedAddress",
  "shop.Cart",
  ".shop.Cart",
  "shop/Cart",
  "1Cart",
  "a".repeat(63),
  "a".repeat(64),
  "a".repeat(254),
  "a".repeat(1_025),
  "a".repeat(4_097),
] as const;

interface Place {
  readonly schema: CrdSchema;
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string | number;
  /** The holder's. */
  readonly holderSchema: CrdSchema;
}

export function mutated(spec: object, schema: CrdSchema, random: Random): unknown {
  const root: Record<string, unknown> = { spec: copyOf(spec) };
  for (let left = 1 + Math.floor(random() ** 2 * 3); left > 0; left--) {
    const places: Place[] = [];
    collect(root["spec"], schema, places);
    const place = places[Math.floor(random() * places.length)];
    if (place !== undefined) change(place, random);
  }
  return root["spec"];
}

/** Through text, so that what stands in two places is two objects. */
function copyOf(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** All places below the value: what is there, and optional fields that are not. */
function collect(value: unknown, schema: CrdSchema, places: Place[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [key, item] of value.entries()) {
      places.push({ schema: items, holder: value, key, holderSchema: schema });
      collect(item, items, places);
    }
    return;
  }
  if (!isRecord(value)) return;
  for (const [key, child] of schema.properties) {
    places.push({ schema: child, holder: value, key, holderSchema: schema });
    collect(value[key], child, places);
  }
  const { additional } = schema;
  if (additional === undefined) return;
  for (const key of Object.keys(value))
    places.push({ schema: additional, holder: value, key, holderSchema: schema });
}

function change({ schema, holder, key, holderSchema }: Place, random: Random): void {
  const chance = random();
  if (Array.isArray(holder)) {
    const index = Number(key);
    if (chance < 0.2) holder.splice(index, 1);
    else if (chance < 0.5) holder.push(structuredClone(holder[index]));
    else if (chance < 0.6) fill(holder, index, holderSchema);
    else holder[index] = generate(schema, random, 2);
    return;
  }
  const name = String(key);
  const { additional } = holderSchema;
  if (additional !== undefined && chance < 0.3) holder[pick(random, texts)] = generate(additional, random, 2);
  else if (holder[name] !== undefined && chance < 0.35) delete holder[name];
  else if (chance < 0.4) holder[name] = pick(random, [1, "1", true, {}, [], null]);
  else holder[name] = generate(schema, random, 2);
}

/** One more than there may be, or as many. */
function fill(list: unknown[], index: number, { max }: CrdSchema): void {
  if (!Number.isFinite(max) || max > 130) return;
  const wanted = list.length % 2 === 0 ? max : max + 1;
  while (list.length < wanted) list.push(structuredClone(list[index]));
}

function generate(schema: CrdSchema, random: Random, depth: number): unknown {
  const { type, values, min, max } = schema;
  if (values !== undefined && random() < 0.95) return values[Math.floor(random() * values.length)];
  switch (type) {
    case "string":
      return text(schema, random);
    case "integer":
      return pick(random, [min, max, min - 1, max + 1, 0, 1, 80, 302, 1_000].filter(Number.isFinite));
    case "boolean":
      return random() < 0.5;
    case "array": {
      const { items } = schema;
      const length = depth <= 0 ? 0 : Math.floor(random() * 3);
      return items === undefined ? [] : Array.from({ length }, () => generate(items, random, depth - 1));
    }
    default:
      return object(schema, random, depth);
  }
}

function object(schema: CrdSchema, random: Random, depth: number): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [name, child] of schema.properties) {
    const isWanted = schema.required.includes(name) ? random() < 0.97 : depth > 0 && random() < 0.35;
    if (isWanted) made[name] = generate(child, random, depth - 1);
  }
  if (schema.additional !== undefined) {
    for (let left = Math.floor(random() * 3); left > 0; left--)
      made[pick(random, texts)] = generate(schema.additional, random, depth - 1);
  }
  return made;
}

/** Mostly one that fits. */
function text({ pattern, min, max }: CrdSchema, random: Random): string {
  if (random() < 0.3) return pick(random, texts);
  const fitting = texts.filter(
    (each) => each.length >= min && each.length <= max && (pattern?.test(each) ?? true),
  );
  return pick(random, fitting.length > 0 ? fitting : texts);
}

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
