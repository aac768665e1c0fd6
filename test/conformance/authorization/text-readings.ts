/** Every reading of a path, as docs/reference/authorization-decisions.md words it, with nothing of the product. */

/** Undefined: the path cannot be read. */
export function readingsByTheText(path: string): readonly string[] | undefined {
  if (path === "*") return ["*"];
  if (path[0] !== "/") return undefined;
  for (const character of path)
    if (character <= " " || character > "~" || character === "#") return undefined;
  const decoded = decodeUnreserved(path);
  if (decoded === undefined) return undefined;
  const choice = [false, true];
  const found = new Set<string>();
  for (const cutsFirst of choice)
    for (const decodes of choice)
      for (const turns of choice)
        for (const cutsLast of choice)
          for (const mergesFirst of choice) {
            let text = decoded;
            if (cutsFirst) text = withoutParameters(text);
            if (decodes) text = text.split("%2F").join("/").split("%5C").join("\\");
            if (turns) text = text.split("\\").join("/");
            if (cutsLast) text = withoutParameters(text);
            if (mergesFirst) text = withoutEmpty(text);
            found.add(withoutEmpty(withoutDots(text)));
          }
  return [...found];
}

/** Escapes of unreserved characters decoded, others in upper case. */
export function decodeUnreserved(path: string): string | undefined {
  const bytes: number[] = [];
  let text = "";
  for (let i = 0; i < path.length; i++) {
    const character = path.charAt(i);
    if (character !== "%") {
      bytes.push(character.charCodeAt(0));
      text += character;
      continue;
    }
    const hex = path.slice(i + 1, i + 3).toUpperCase();
    if (hex.length < 2 || hex.split("").some((digit) => !"0123456789ABCDEF".includes(digit)))
      return undefined;
    const byte = Number(`0x${hex}`);
    if (byte === 0) return undefined;
    bytes.push(byte);
    const isUnreserved =
      (byte > 64 && byte < 91) ||
      (byte > 96 && byte < 123) ||
      (byte > 47 && byte < 58) ||
      [45, 46, 95, 126].includes(byte);
    text += isUnreserved ? String.fromCharCode(byte) : `%${hex}`;
    i += 2;
  }
  return Buffer.compare(Buffer.from(Buffer.from(bytes).toString("utf8")), Buffer.from(bytes)) === 0
    ? text
    : undefined;
}

function withoutParameters(path: string): string {
  return path
    .split("/")
    .map((segment) => segment.split(";")[0])
    .join("/");
}

function withoutEmpty(path: string): string {
  let text = path;
  while (text.includes("//")) text = text.replace("//", "/");
  return text;
}

/** RFC 3986 section 5.2.4, as its pseudo code has it. */
function withoutDots(path: string): string {
  let input = path;
  let output = "";
  while (input !== "") {
    if (input.startsWith("/./")) input = input.slice(2);
    else if (input === "/.") input = "/";
    else if (input.startsWith("/../") || input === "/..") {
      input = input === "/.." ? "/" : input.slice(3);
      output = output.slice(0, Math.max(0, output.lastIndexOf("/")));
    } else {
      const end = input.indexOf("/", 1);
      output += end < 0 ? input : input.slice(0, end);
      input = end < 0 ? "" : input.slice(end);
    }
  }
  return output;
}
