/**
 * A compiled message as text for people: one field a line, two spaces for each level, in the schema's order, what is empty left
 * out. Equal messages have equal text. Secrets are never in it: each distinct one has a number for as long as the
 * `HiddenTexts` lives, so that a changed secret shows and nothing can be learnt of it.
 */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { expressionText } from "./expression-text.ts";

/** Fields whose value is nobody's to read, by "Message.field". */
const hiddenFields: ReadonlySet<string> = new Set(["Certificate.private_key_pem", "RateLimitStore.password"]);

/** Headers that prove who somebody is; of what is sent to collectors every one may. */
const hiddenHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "set-cookie",
  "proxy-authorization",
  "x-api-key",
]);

/** Longer or of several lines: only its length and hash are told, which is enough to see that it is another one. */
const maxTextLength = 400;
/** Lists of values that fit are written in one line. */
const maxInlineLength = 100;
const digestDigits = 12;

/** Numbers for secrets; share one between the two sides of a comparison. */
export class HiddenTexts {
  readonly #numbers = new Map<string, number>();

  label(secret: string): string {
    const number = this.#numbers.get(secret) ?? this.#numbers.size + 1;
    this.#numbers.set(secret, number);
    return `(hidden, value ${number})`;
  }
}

/** Lines without their ends. Empty for a message in which nothing is set. */
export function messageLines(schema: DescMessage, message: Message, hidden = new HiddenTexts()): string[] {
  const lines: string[] = [];
  new Writer(lines, hidden).message(reflect(schema, message), "");
  return lines;
}

class Writer {
  readonly #lines: string[];
  readonly #hidden: HiddenTexts;

  constructor(lines: string[], hidden: HiddenTexts) {
    this.#lines = lines;
    this.#hidden = hidden;
  }

  message(message: ReflectMessage, indent: string): void {
    for (const field of message.fields) {
      if (message.isSet(field) && !isImplied(message, field)) this.#field(message, field, indent);
    }
  }

  #field(message: ReflectMessage, field: DescField, indent: string): void {
    const name = field.localName;
    switch (field.fieldKind) {
      case "message":
        return this.#child(`${indent}${name}:`, message.get(field), indent);
      case "list":
        return this.#list(message, field, indent);
      case "map":
        return this.#map(message, field, indent);
      case "enum":
        this.#lines.push(`${indent}${name}: ${enumText(field, message.get(field))}`);
        return;
      case "scalar":
        this.#lines.push(`${indent}${name}: ${this.#scalar(message, field, message.get(field))}`);
    }
  }

  /** `head` ends with a colon or is a dash: the message follows in the line where it fits, else under it. */
  #child(head: string, value: unknown, indent: string): void {
    if (!isReflected(value)) return;
    const inline = inlineText(value);
    if (inline !== undefined) {
      this.#lines.push(`${head} ${inline}`);
      return;
    }
    const at = this.#lines.push(head);
    this.message(value, `${indent}  `);
    if (this.#lines.length === at) this.#lines[at - 1] = `${head} {}`;
  }

  #list(message: ReflectMessage, field: DescField & { fieldKind: "list" }, indent: string): void {
    const items: unknown[] = [...message.get(field)];
    if (field.listKind === "message") {
      this.#lines.push(`${indent}${field.localName}:`);
      for (const item of items) this.#item(message, item, `${indent}  `);
      return;
    }
    const texts = items.map((item) =>
      field.listKind === "enum" ? enumText(field, item) : this.#scalar(message, field, item),
    );
    const inline = `[${texts.join(", ")}]`;
    if (inline.length <= maxInlineLength) {
      this.#lines.push(`${indent}${field.localName}: ${inline}`);
      return;
    }
    this.#lines.push(`${indent}${field.localName}:`, ...texts.map((text) => `${indent}  - ${text}`));
  }

  #item(list: ReflectMessage, item: unknown, indent: string): void {
    if (!isReflected(item)) return;
    const inline = this.#headerText(list, item) ?? inlineText(item);
    if (inline !== undefined) {
      this.#lines.push(`${indent}- ${inline}`);
      return;
    }
    const start = this.#lines.length;
    this.message(item, `${indent}  `);
    if (isEntry(item)) this.#lines.push(`${indent}  rule: ${ruleOfEntry(list, item)}`);
    const first = this.#lines[start];
    if (first === undefined) this.#lines.push(`${indent}- {}`);
    else this.#lines[start] = `${indent}- ${first.slice(indent.length + 2)}`;
  }

  #map(message: ReflectMessage, field: DescField & { fieldKind: "map" }, indent: string): void {
    this.#lines.push(`${indent}${field.localName}:`);
    const entries = [...message.get(field)].toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    for (const [key, value] of entries) {
      if (isReflected(value)) this.#child(`${indent}  ${quoted(String(key))}:`, value, `${indent}  `);
      else this.#lines.push(`${indent}  ${quoted(String(key))}: ${this.#text(String(value))}`);
    }
  }

  #scalar(message: ReflectMessage, field: DescField, value: unknown): string {
    if (value instanceof Uint8Array) return digest(value, "bytes");
    if (typeof value !== "string") return String(value);
    if (hiddenFields.has(`${message.desc.name}.${field.name}`)) return this.#hidden.label(value);
    return this.#text(value);
  }

  #text(value: string): string {
    const isLong = value.length > maxTextLength || /[\r\n]/.test(value);
    return isLong ? digest(Buffer.from(value), "bytes") : quoted(value);
  }

  /** `name: value` of a header; undefined for anything else. */
  #headerText(list: ReflectMessage, item: ReflectMessage): string | undefined {
    if (item.desc.name !== "Header") return undefined;
    const [name = "", value = ""] = item.fields.map((field) => textOf(item.get(field)));
    const isHidden = list.desc.name === "Collector" || hiddenHeaders.has(name.toLowerCase());
    return `${quoted(name)}: ${isHidden ? this.#hidden.label(value) : this.#text(value)}`;
  }
}

/** Said by another line: an entry's place in a list by its rule's own name, a compiled condition by its text. */
function isImplied(message: ReflectMessage, field: DescField): boolean {
  switch (`${message.desc.name}.${field.name}`) {
    case "HttpEntry.rule":
    case "ConnectionEntry.rule":
      return true;
    case "AuthorizationRule.when":
      return message.fields.some((other) => other.name === "when_texts" && message.isSet(other));
    default:
      return false;
  }
}

function inlineText(value: ReflectMessage): string | undefined {
  if (value.desc.name === "Source") return sourceText(value);
  if (value.desc.name === "Expression") return expressionText(value.message);
  return undefined;
}

/** `HTTPRoute default/reviews rules[0]`. */
function sourceText(source: ReflectMessage): string {
  const [kind = "", namespace = "", name = "", section = ""] = source.fields.map((field) =>
    textOf(source.get(field)),
  );
  const path = namespace === "" ? name : `${namespace}/${name}`;
  return [kind, path, section].filter((part) => part !== "").join(" ");
}

function isEntry(item: ReflectMessage): boolean {
  return item.desc.name === "HttpEntry" || item.desc.name === "ConnectionEntry";
}

/** The rule's own name, which stays the same when rules before it come and go. */
function ruleOfEntry(routing: ReflectMessage, entry: ReflectMessage): string {
  const place = Number(fieldValue(entry, "rule") ?? 0);
  const rules: unknown = fieldValue(routing, "rules");
  const rule = isIterable(rules) ? [...rules][place] : undefined;
  const source = isReflected(rule) ? fieldValue(rule, "source") : undefined;
  return isReflected(source) ? sourceText(source) : String(place);
}

function fieldValue(message: ReflectMessage, name: string): unknown {
  const field = message.fields.find((each) => each.name === name);
  return field === undefined ? undefined : message.get(field);
}

function enumText(field: DescField, value: unknown): string {
  const found = field.enum?.values.find(({ number }) => number === value);
  return found === undefined ? String(value) : found.localName.toLowerCase();
}

function digest(bytes: Uint8Array, unit: string): string {
  const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, digestDigits);
  return `(${bytes.length} ${unit}, sha256 ${hash})`;
}

/** As it is where nobody could read it otherwise. */
function quoted(text: string): string {
  return /^[\w./*][\w./:@*+ -]*$/.test(text) && !text.endsWith(" ") ? text : JSON.stringify(text);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isReflected(value: unknown): value is ReflectMessage {
  return typeof value === "object" && value !== null && "desc" in value && "fields" in value;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}
