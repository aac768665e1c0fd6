/** What proxies are to let through: any of the targets, and the filter. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Expression, ExpressionOperator, ExpressionSchema } from "../../model/index.ts";
import type { TapSpec, TapTarget } from "./tap-spec.ts";

type Content = MessageInitShape<typeof ExpressionSchema>;

/** Undefined: everything. */
export function narrowed({ targets, filter }: Pick<TapSpec, "targets" | "filter">): Expression | undefined {
  const terms: Content[] = [];
  const anyOf = targets.flatMap(({ kind, name }) =>
    attributesOf[kind].map((attribute) => equals(attribute, name)),
  );
  if (anyOf.length > 0) terms.push(call(ExpressionOperator.OR, anyOf));
  if (filter !== undefined) terms.push(filter);
  return terms.length === 0 ? undefined : create(ExpressionSchema, call(ExpressionOperator.AND, terms));
}

/** Of the tap's table. What a caller's proxy and a server's each know of the same request. */
const attributesOf: Readonly<Record<TapTarget["kind"], readonly string[]>> = {
  namespace: ["source.namespace", "destination.namespace"],
  workload: ["source.workload", "destination.workload"],
  service: ["destination.service"],
  route: ["route.name"],
};

function equals(name: string, value: string): Content {
  return call(ExpressionOperator.EQUAL, [
    { kind: { case: "attribute", value: { name, keys: [] } } },
    { kind: { case: "value", value: { kind: { case: "text", value } } } },
  ]);
}

function call(operator: ExpressionOperator, terms: readonly Content[]): Content {
  return { kind: { case: "call", value: { operator, arguments: [...terms] } } };
}
