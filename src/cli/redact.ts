/** Takes secrets out of what leaves the machine: by the names of fields, and by the looks of values, so that one misses what the other finds. */
const removed = "REMOVED";

/** Names of fields and headers whose values are nobody's business. */
const secretName =
  /passw(?:or)?d|passphrase|secret(?!name|ref|s$)|token|private.?key|api.?key|credential|authorization|cookie|session.?id|^claims?$|^tls\.key$/i;

/** Values that are secret wherever they stand. */
const secretValues: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, removed],
  // A JWT, its claims included, whether or not it is signed.
  [/\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, removed],
  [/\b(bearer|basic|negotiate|digest)(\s+)[\w.~+/=-]{6,}/gi, `$1$2${removed}`],
  // Of a URL: user information, and parameters that are named like secrets.
  [/(\w:\/\/)[^\s/@"']+@/g, `$1${removed}@`],
  [/([?&](?:[\w-]*(?:token|secret|password|key|code|signature|session)[\w-]*)=)[^&\s"']+/gi, `$1${removed}`],
  // "name": "value" and name=value, in lines that are no JSON, or JSON in a string.
  [
    /(["']?[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api.?key|authorization|cookie|private.?key)[\w.-]*\\?["']?\s*[:=]\s*)(\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|[^\s,;}\]]+)/gi,
    `$1"${removed}"`,
  ],
];

export function redactText(text: string): string {
  return secretValues.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}

/** Of documents: everything beneath a secret's name, what a Secret holds, and secret values in any text. */
export function redactDocument(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map((each: unknown) => redactDocument(each));
  if (typeof value !== "object" || value === null) return value;
  const isSecret = "kind" in value && value.kind === "Secret";
  const entries: [string, unknown][] = Object.entries(value);
  // A header of a list, as Gateway API and HAR write it.
  const isNamedSecret = entries.some(
    ([key, name]) => key === "name" && typeof name === "string" && secretName.test(name),
  );
  return Object.fromEntries(
    entries.map(([key, each]) => {
      if (isSecret && ["data", "stringData"].includes(key)) return [key, removeLeaves(each)];
      if (secretName.test(key) || (isNamedSecret && key === "value")) return [key, removeLeaves(each)];
      // What kubectl keeps is the whole object once more, as text.
      if (key === "kubectl.kubernetes.io/last-applied-configuration") return [key, removed];
      return [key, redactDocument(each)];
    }),
  );
}

/** Which names there are is worth knowing; numbers and switches are no secrets. */
function removeLeaves(value: unknown): unknown {
  if (typeof value === "string") return removed;
  if (Array.isArray(value)) return value.map((each: unknown) => removeLeaves(each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]: [string, unknown]) => [key, removeLeaves(each)]),
  );
}
