/**
 * The origins that a CORS filter allows, in Gateway API's forms: `*`, `https://shop.example.com:8443`,
 * `https://*.example.com` (any number of labels, at least one) and `https://*`. A port that is left out is the scheme's own.
 */
export class OriginSet {
  /** All origins, also those that are none of the web's ("null", an extension's). */
  readonly isEvery: boolean;
  /** In normal form. */
  readonly #exact = new Set<string>();
  readonly #wildcards: readonly Origin[];

  /** What is no origin allows nothing. */
  constructor(origins: readonly string[]) {
    this.isEvery = origins.includes("*");
    const wildcards: Origin[] = [];
    for (const text of origins) {
      const origin = parseOrigin(text);
      if (origin === undefined) continue;
      if (origin.host.startsWith("*")) wildcards.push(origin);
      else this.#exact.add(textOf(origin));
    }
    this.#wildcards = wildcards;
  }

  /** `text` is the value of an Origin field. */
  has(text: string): boolean {
    if (this.isEvery) return true;
    const origin = parseOrigin(text);
    if (origin === undefined) return false;
    return this.#exact.has(textOf(origin)) || this.#wildcards.some((pattern) => covers(pattern, origin));
  }
}

interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
}

const originForm = /^(https?):\/\/(\[[0-9a-f:.]+\]|[^\s/:?#@[\]]+)(?::([0-9]{1,5}))?$/;

function parseOrigin(text: string): Origin | undefined {
  const [, scheme, host, port] = originForm.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || host === undefined) return undefined;
  return { scheme, host, port: port === undefined ? (scheme === "https" ? 443 : 80) : Number(port) };
}

function textOf({ scheme, host, port }: Origin): string {
  return `${scheme}://${host}:${port}`;
}

function covers(pattern: Origin, origin: Origin): boolean {
  if (pattern.scheme !== origin.scheme || pattern.port !== origin.port) return false;
  const suffix = pattern.host.slice(1);
  return origin.host.length > suffix.length && origin.host.endsWith(suffix);
}
