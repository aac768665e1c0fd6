/**
 * JSON Patch, RFC 6902: all operations or none. Strict where libraries are not (rfc6902, fast-json-patch): an index must be one of
 * the list's, a member must be there, and copies may not grow the object beyond a bound.
 */
import { WeftError } from "../../kernel/index.ts";
import { isPlain } from "./merge-patch.ts";

/** Kubernetes' own bound. */
const maxOperations = 10_000;
/** Bytes that `copy` may add: each could double what is there. */
const maxCopiedBytes = 3 * 1024 * 1024;

/** A changed copy. Throws `usage` for a patch that is none, `bad_input` for one that does not fit. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new WeftError("usage", "a JSON patch is a list of operations");
  if (patch.length > maxOperations)
    throw new WeftError("exhausted", `more than ${maxOperations} operations`, {
      fields: { httpStatus: 413 },
    });
  let document: unknown = structuredClone(target);
  const budget = { bytes: maxCopiedBytes };
  for (const [index, operation] of patch.entries()) {
    try {
      document = perform(document, operation, budget);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      throw new WeftError(error.code, `operation ${index} of the patch: ${error.message}`, {
        fields: error.fields,
      });
    }
  }
  return document;
}

function perform(document: unknown, operation: unknown, budget: { bytes: number }): unknown {
  if (!isPlain(operation)) throw new WeftError("usage", "must be an object");
  const { op } = operation;
  const path = pointerOf(operation, "path");
  switch (op) {
    case "add":
      return add(document, path, valueOf(operation));
    case "remove":
      return remove(document, path);
    case "replace":
      return add(path.length === 0 ? document : remove(document, path), path, valueOf(operation));
    case "move": {
      const from = pointerOf(operation, "from");
      if (path.length > from.length && from.every((token, index) => token === path[index]))
        throw misfit("a value cannot be moved into itself");
      const value = read(document, from);
      return add(remove(document, from), path, value);
    }
    case "copy": {
      const value = read(document, pointerOf(operation, "from"));
      budget.bytes -= JSON.stringify(value).length;
      if (budget.bytes < 0)
        throw new WeftError("exhausted", "copies more than the bound", { fields: { httpStatus: 413 } });
      return add(document, path, structuredClone(value));
    }
    case "test":
      if (!Bun.deepEquals(read(document, path), valueOf(operation), true))
        throw misfit(`test: ${textOf(path)} has another value`);
      return document;
    default:
      throw new WeftError("usage", `op must be add, remove, replace, move, copy or test`);
  }
}

function add(document: unknown, path: readonly string[], value: unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = last === "-" ? parent.length : indexOf(last, parent.length, path);
    parent.splice(index, 0, value);
  } else if (isPlain(parent)) {
    // A plain assignment to `__proto__` would change what the object is.
    Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true });
  } else {
    throw misfit(`there is nothing to add to at ${textOf(path.slice(0, -1))}`);
  }
  return document;
}

function remove(document: unknown, path: readonly string[]): unknown {
  const last = path.at(-1);
  if (last === undefined) return undefined;
  read(document, path);
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(indexOf(last, parent.length - 1, path), 1);
  else if (isPlain(parent)) Reflect.deleteProperty(parent, last);
  return document;
}

function read(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const [depth, token] of path.entries()) {
    if (Array.isArray(value)) value = value[indexOf(token, value.length - 1, path.slice(0, depth + 1))];
    else if (isPlain(value) && Object.hasOwn(value, token)) value = value[token];
    else throw misfit(`there is no ${textOf(path.slice(0, depth + 1))}`);
  }
  return value;
}

function indexOf(token: string, max: number, path: readonly string[]): number {
  const index = /^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : Number.NaN;
  if (!(index <= max)) throw misfit(`there is no ${textOf(path)}`);
  return index;
}

function pointerOf(operation: Record<string, unknown>, name: string): string[] {
  const pointer = operation[name];
  if (
    typeof pointer !== "string" ||
    (pointer !== "" && !pointer.startsWith("/")) ||
    /~(?![01])/.test(pointer)
  )
    throw new WeftError("usage", `${name} must be a JSON pointer such as /spec/ports/0`);
  const tokens = pointer.split("/").slice(1);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueOf(operation: Record<string, unknown>): unknown {
  if (!Object.hasOwn(operation, "value")) throw new WeftError("usage", "value is required");
  return operation["value"];
}

function textOf(path: readonly string[]): string {
  const text = path.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return text.slice(0, 200);
}

function misfit(message: string): WeftError {
  return new WeftError("bad_input", message);
}
