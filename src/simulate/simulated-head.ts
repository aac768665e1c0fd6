/** A request's head as policies and routes read it, and what becomes of it on its way. Immutable. */
import type { HttpFacts } from "../decide/index.ts";
import { isGrpcContentType } from "../kernel/index.ts";

export type Field = readonly [name: string, value: string];

export interface HeadParts {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  readonly scheme: "http" | "https";
  readonly version: string;
  readonly requestId: string;
  /** Names in lower case; without `host`. */
  readonly fields: readonly Field[];
}

export class SimulatedHead implements HttpFacts {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  readonly scheme: "http" | "https";
  readonly version: string;
  readonly requestId: string;
  readonly fields: readonly Field[];

  constructor(parts: HeadParts) {
    this.method = parts.method;
    this.path = parts.path;
    this.query = parts.query;
    this.authority = parts.authority;
    this.scheme = parts.scheme;
    this.version = parts.version;
    this.requestId = parts.requestId;
    this.fields = parts.fields;
  }

  get isGrpc(): boolean {
    return isGrpcContentType(this.header("content-type") ?? "");
  }

  header(nameLower: string): string | undefined {
    const values = this.headerValues(nameLower);
    return values.length === 0 ? undefined : values.join(nameLower === "cookie" ? "; " : ", ");
  }

  headerValues(nameLower: string): readonly string[] {
    if (nameLower === "host") return this.authority === "" ? [] : [this.authority];
    return this.fields.filter(([name]) => name === nameLower).map(([, value]) => value);
  }

  get url(): string {
    const query = this.query === "" ? "" : `?${this.query}`;
    return `${this.scheme}://${this.authority}${this.path}${query}`;
  }

  with(changed: Partial<HeadParts>): SimulatedHead {
    return new SimulatedHead({ ...this.parts, ...changed });
  }

  get parts(): HeadParts {
    const { method, path, query, authority, scheme, version, requestId, fields } = this;
    return { method, path, query, authority, scheme, version, requestId, fields };
  }
}

interface Line {
  readonly nameLower: string;
  readonly value: string;
}

export interface Edits {
  readonly set: readonly Line[];
  readonly add: readonly Line[];
  readonly remove: readonly string[];
}

/** Removed, then set, then added. */
export function editHead(head: SimulatedHead, edits: Edits | undefined): SimulatedHead {
  if (edits === undefined) return head;
  const replaced = new Set([...edits.remove, ...edits.set.map(({ nameLower }) => nameLower)]);
  const fields = head.fields.filter(([name]) => !replaced.has(name));
  for (const { nameLower, value } of [...edits.set, ...edits.add]) fields.push([nameLower, value]);
  return head.with({ fields });
}
