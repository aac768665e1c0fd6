/**
 * Reads parsed JSON field by field and collects every problem with its path. Made for the bootstrap file only: a schema
 * library costs a sidecar 21 MB of resident memory before the first connection.
 */
import { canonicalIp, type Issue } from "../kernel/index.ts";

export class ShapeReader {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #issues: Issue[];
  readonly #known = new Set<string>();

  constructor(value: unknown, path: string, issues: Issue[]) {
    this.#path = path;
    this.#issues = issues;
    if (isRecord(value)) {
      this.#value = value;
    } else {
      this.#value = {};
      issues.push({ path, message: "must be an object" });
    }
  }

  text(name: string, options: { readonly optional?: boolean } = {}): string {
    const value = this.#take(name);
    if (value === undefined && options.optional === true) return "";
    if (typeof value === "string" && (value !== "" || options.optional === true)) return value;
    this.#report(name, value === undefined ? "is required" : "must be a text");
    return "";
  }

  optionalText(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "string") return value;
    this.#report(name, "must be a text");
    return undefined;
  }

  /** An IP address in any text form; the result is canonical. */
  ip(name: string): string {
    const text = this.text(name);
    return text === "" ? "" : this.#canonical(name, text);
  }

  ips(name: string): string[] {
    return this.texts(name).map((text, index) => this.#canonical(`${name}[${index}]`, text));
  }

  /** 0 means "any free one" where something is bound. */
  port(name: string): number {
    return this.number(name, 0, 65_535);
  }

  optionalPort(name: string): number | undefined {
    return this.#value[name] === undefined ? undefined : this.port(name);
  }

  number(name: string, minimum: number, maximum: number): number {
    const value = this.#take(name);
    if (typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum) {
      return value;
    }
    this.#report(name, `must be a whole number from ${minimum} to ${maximum}`);
    return minimum;
  }

  /** `fallback` is also what a field without a valid value reads as, so that reading can go on. */
  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T, required = false): T {
    const value = this.#take(name);
    if (value === undefined && !required) return fallback;
    const found = allowed.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    this.#report(name, `must be one of ${allowed.join(", ")}`);
    return fallback;
  }

  texts(name: string): string[] {
    const value = this.#take(name);
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    this.#report(name, "must be a list of texts");
    return [];
  }

  textMap(name: string, { optional = false } = {}): Record<string, string> {
    const value = this.#take(name);
    const result: Record<string, string> = {};
    if (value === undefined && optional) return result;
    if (!isRecord(value)) {
      this.#report(name, "must be an object of texts");
      return result;
    }
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === "string") result[key] = item;
      else this.#report(`${name}.${key}`, "must be a text");
    }
    return result;
  }

  object(name: string): ShapeReader {
    return new ShapeReader(this.#take(name), this.#at(name), this.#issues);
  }

  optionalObject(name: string): ShapeReader | undefined {
    return this.#value[name] === undefined ? undefined : this.object(name);
  }

  /** Undefined: there is no such list. */
  optionalObjects(name: string): ShapeReader[] | undefined {
    return this.#value[name] === undefined ? undefined : this.objects(name);
  }

  objects(name: string): ShapeReader[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) {
      this.#report(name, "must be a list");
      return [];
    }
    return value.map((item, index) => new ShapeReader(item, `${this.#at(name)}[${index}]`, this.#issues));
  }

  /** Call last: a field that nobody asked for is a mistake, not an extension. */
  finish(): void {
    for (const key of Object.keys(this.#value)) {
      if (!this.#known.has(key)) this.#report(key, "is not a known field");
    }
  }

  #canonical(name: string, text: string): string {
    const address = canonicalIp(text);
    if (address === undefined) this.#report(name, "must be an IP address");
    return address ?? "";
  }

  #take(name: string): unknown {
    this.#known.add(name);
    return this.#value[name];
  }

  #at(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }

  #report(name: string, message: string): void {
    this.#issues.push({ path: this.#at(name), message });
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
