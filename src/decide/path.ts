/**
 * The form of a request's path that routes are matched on: RFC 3986 section 6.2.2, so that spellings that a server
 * takes for the same resource are the same to a route. Escapes of unreserved characters are decoded, other escapes
 * are written in upper case, dot segments are removed. `%2F` stays: it is data, no separator. Empty segments stay.
 * Only matching sees this form; what is forwarded are the client's own bytes.
 */

/** `path` without the query. A path that is already in normal form is returned as it is, without a copy. */
export function normalizePath(path: string): string {
  const unescaped = path.includes("%") ? normalizeEscapes(path) : path;
  return unescaped.includes("/.") ? removeDotSegments(unescaped) : unescaped;
}

function normalizeEscapes(path: string): string {
  return path.replace(/%([0-9a-fA-F]{2})/g, (escape, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return isUnreserved(code) ? String.fromCharCode(code) : escape.toUpperCase();
  });
}

/** RFC 3986 section 2.3: letters, digits, `-`, `.`, `_`, `~`. */
function isUnreserved(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f ||
    code === 0x7e
  );
}

/** RFC 3986 section 5.2.4, for a path that begins with a slash. */
export function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/");
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] ?? "";
    const isLast = i === segments.length - 1;
    if (segment === "..") kept.pop();
    if (segment === "." || segment === "..") {
      if (isLast) kept.push(""); // "/a/." names the directory "/a/"
    } else {
      kept.push(segment);
    }
  }
  return `/${kept.join("/")}`;
}
