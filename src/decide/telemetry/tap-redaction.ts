/** What of a request is told to whoever taps it: secrets never, queries and paths as the mesh's policy says. */
import { fitsTemplate, parsePathPattern, type PathTemplate } from "../../kernel/index.ts";
import type { Redaction } from "../../model/index.ts";
import type { PreparedRedaction } from "./settings.ts";

/** Everywhere and always. */
const alwaysHidden: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "set-cookie",
  "proxy-authorization",
  "x-api-key",
]);

const hidden = "(redacted)";

/** Undefined: nobody has said anything: the secrets above are hidden, and queries are left out. */
export function prepareTapRedaction(redaction: Redaction | undefined): PreparedRedaction {
  const names = redaction?.headers ?? [];
  const exact = new Set(names.filter((name) => !name.endsWith("*")));
  const prefixes = names.flatMap((name) => (name.endsWith("*") ? [name.slice(0, -1)] : []));
  const parameters = new Set(redaction?.queryParameters ?? []);
  const templates = (redaction?.pathTemplates ?? []).flatMap((text) => {
    const pattern = parsePathPattern(text);
    return pattern?.kind === "template" ? [{ text, pattern }] : [];
  });
  return {
    hidesHeader: (name) =>
      alwaysHidden.has(name) || exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix)),
    query: (raw) => (redaction?.logsQuery === true ? hideParameters(raw, parameters) : undefined),
    path: (path) => pathOf(path, templates),
  };
}

function hideParameters(raw: string, names: ReadonlySet<string>): string {
  if (names.size === 0) return raw;
  return raw
    .split("&")
    .map((piece) => {
      const equals = piece.indexOf("=");
      const name = equals < 0 ? piece : piece.slice(0, equals);
      return equals >= 0 && (names.has("*") || names.has(decoded(name))) ? `${name}=${hidden}` : piece;
    })
    .join("&");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function pathOf(
  path: string,
  templates: readonly { readonly text: string; readonly pattern: PathTemplate }[],
): string {
  return templates.find(({ pattern }) => fitsTemplate(pattern, path))?.text ?? path;
}
