/** An object as YAML to read: the subset that JSON needs, with every string quoted that could be taken for something else. */
const plain = /^[A-Za-z_][A-Za-z0-9_./-]*$/;
const words = /^(true|false|null|yes|no|on|off|y|n|~)$/i;

export function yamlText(value: unknown, depth = 0): string {
  const indent = "  ".repeat(depth);
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return value
      .map((item: unknown) => {
        const text = yamlText(item, depth + 1);
        return isBlock(item) ? `${indent}- ${text.slice(indent.length + 2)}` : `${indent}- ${text}`;
      })
      .join("\n");
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    if (entries.length === 0) return "{}";
    return entries
      .map(([name, each]: [string, unknown]) => {
        const text = yamlText(each, depth + 1);
        return `${indent}${scalar(name)}:${isBlock(each) ? `\n${text}` : ` ${text}`}`;
      })
      .join("\n");
  }
  return typeof value === "string" ? scalar(value) : String(value);
}

function isBlock(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

function scalar(text: string): string {
  return plain.test(text) && !words.test(text) ? text : JSON.stringify(text);
}
