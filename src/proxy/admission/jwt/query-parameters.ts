/** Parameters of a query by name and without some of them. What stays keeps its bytes and its order. */

/** Values of all parameters of the name, decoded. */
export function parameterValues(query: string, name: string): string[] {
  if (query === "") return [];
  return query.split("&").flatMap((pair) => (nameOf(pair) === name ? [valueOf(pair)] : []));
}

export function withoutParameter(query: string, names: readonly string[]): string {
  return query
    .split("&")
    .filter((pair) => !names.includes(nameOf(pair)))
    .join("&");
}

function nameOf(pair: string): string {
  const at = pair.indexOf("=");
  return decoded(at < 0 ? pair : pair.slice(0, at));
}

function valueOf(pair: string): string {
  const at = pair.indexOf("=");
  return at < 0 ? "" : decoded(pair.slice(at + 1));
}

/** As forms are written: "+" is a space. What cannot be decoded stands for itself. */
function decoded(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
