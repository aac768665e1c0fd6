/** CEL rules of CRDs, run as Kubernetes runs them: `self` is the value, whole numbers are int, fields with reserved names are escaped. */
import { isIP } from "node:net";
import { type CelInput, CelScalar, celEnv, celFunc, isCelError, parse, plan } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { isRecord } from "./crds.ts";

/** Of Kubernetes' own library only what the rules use. */
const ipFunction = celFunc("isIP", [CelScalar.STRING], CelScalar.BOOL, (text) => isIP(text) !== 0);

const environment = celEnv({ funcs: [...strings, ipFunction] });

/** CEL's keywords; as a field's name each stands between double underscores. */
const reserved = new Set([
  "true",
  "false",
  "null",
  "in",
  "as",
  "break",
  "const",
  "continue",
  "else",
  "for",
  "function",
  "if",
  "import",
  "let",
  "loop",
  "package",
  "namespace",
  "return",
]);

const programs = new Map<string, (self: unknown) => boolean>();

/** Throws where the rule cannot be run at all; a rule that fails on its value does not hold. */
export function holds(rule: string, self: unknown): boolean {
  const known = programs.get(rule);
  if (known !== undefined) return known(self);
  const run = plan(environment, parse(rule));
  const program = (value: unknown): boolean => {
    const result = run({ self: toCel(value) });
    if (isCelError(result)) {
      // Kubernetes refuses the object then: the rule met a field that is not there.
      if (/field not found|no such (key|field|overload)|index out of (bounds|range)/.test(result.message))
        return false;
      throw new Error(`${rule}: ${result.message}`);
    }
    return result === true;
  };
  programs.set(rule, program);
  return program(self);
}

function toCel(value: unknown): CelInput {
  if (typeof value === "number") return BigInt(value);
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(toCel);
  if (!isRecord(value)) return null;
  return new Map(
    Object.entries(value).map(([name, child]) => [reserved.has(name) ? `__${name}__` : name, toCel(child)]),
  );
}
