/** What is not told of a request: values of headers and query parameters, and what varies in paths. */
import { fitsTemplate, parsePathPattern, type PathTemplate } from "../../kernel/index.ts";
import { normalizePath } from "../path.ts";
import { percentDecode } from "../query.ts";
import { defaults } from "./defaults.ts";
import type { PreparedRedaction } from "./settings.ts";

export interface RedactionRules {
  /** Lower case, with "*" at the end for any rest. */
  readonly headers: readonly string[];
  /** "*": all. */
  readonly queryParameters: readonly string[];
  readonly logsQuery: boolean;
  readonly pathTemplates: readonly string[];
}

/** In the place of what is hidden. */
export const hidden = "***";

const always: ReadonlySet<string> = new Set(defaults.redaction.headers);

interface NamedTemplate {
  readonly told: string;
  readonly template: PathTemplate;
}

export class Redaction implements PreparedRedaction {
  readonly #names: ReadonlySet<string>;
  readonly #prefixes: readonly string[];
  readonly #parameters: ReadonlySet<string>;
  readonly #hidesAll: boolean;
  readonly #logsQuery: boolean;
  readonly #templates: readonly NamedTemplate[];

  constructor({ headers, queryParameters, logsQuery, pathTemplates }: RedactionRules) {
    this.#names = new Set(headers.filter((name) => !name.endsWith("*")));
    this.#prefixes = headers.flatMap((name) => (name.endsWith("*") ? [name.slice(0, -1)] : []));
    this.#parameters = new Set(queryParameters);
    this.#hidesAll = this.#parameters.has("*");
    this.#logsQuery = logsQuery;
    this.#templates = pathTemplates.flatMap(prepareTemplate);
  }

  hidesHeader(name: string): boolean {
    return (
      always.has(name) ||
      this.#names.has(name) ||
      (this.#prefixes.length > 0 && this.#prefixes.some((prefix) => name.startsWith(prefix)))
    );
  }

  query(raw: string): string | undefined {
    if (!this.#logsQuery) return undefined;
    if (!this.#hidesAll && this.#parameters.size === 0) return raw;
    return raw
      .split("&")
      .map((part) => this.#parameter(part))
      .join("&");
  }

  #parameter(part: string): string {
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    // What has no name may be a secret that stands alone, as some make of "?<token>".
    if (equals < 0) return this.#hidesAll && part !== "" ? hidden : part;
    return this.#hidesAll || this.#parameters.has(percentDecode(name)) ? `${name}=${hidden}` : part;
  }

  path(path: string): string {
    if (this.#templates.length === 0) return path;
    // However it is spelled: what a server takes for the same must not be told because of an odd slash.
    const merged = normalizePath(path).replace(/\/{2,}/g, "/");
    const plain = merged.length > 1 && merged.endsWith("/") ? merged.slice(0, -1) : merged;
    return this.#templates.find(({ template }) => fitsTemplate(template, plain))?.told ?? path;
  }
}

/** None where it cannot be read: a newer control plane may know more of them. */
function prepareTemplate(told: string): NamedTemplate[] {
  const pattern = parsePathPattern(told.replaceAll(/\{[A-Za-z_][A-Za-z0-9_]*\}/g, "{*}"));
  return pattern?.kind === "template" ? [{ told, template: pattern }] : [];
}
