/** Rules of routes that no request can reach, because an earlier match takes whatever they match. */
import { fromBinary } from "@bufbuild/protobuf";
import type { PlanWarning } from "../../../api/index.ts";
import type { CompiledResource } from "../../../compile/index.ts";
import { coversMatch } from "../../../decide/index.ts";
import { GatewaySchema, type HttpRouting, OutboundSchema, type Source } from "../../../model/index.ts";

/** Entries of one table that are compared with each other; in a larger one nothing is looked for. */
const maxEntries = 2_000;

/** Of an Outbound or a Gateway; empty for others. A rule that another place still reaches counts for the place alone. */
export function shadowedRules(resource: CompiledResource): PlanWarning[] {
  switch (resource.kind) {
    case "Outbound": {
      const { http, namespace, service, port } = fromBinary(OutboundSchema, resource.bytes);
      return http === undefined ? [] : inRouting(http, `Service ${namespace}/${service}:${port}`);
    }
    case "Gateway":
      return fromBinary(GatewaySchema, resource.bytes).listeners.flatMap((listener) =>
        listener.virtualHosts.flatMap(({ http, hostname }) =>
          http === undefined
            ? []
            : inRouting(http, `Gateway ${resource.key}, listener ${listener.name}, host ${hostname}`),
        ),
      );
    default:
      return [];
  }
}

function inRouting({ entries, rules }: HttpRouting, place: string): PlanWarning[] {
  if (entries.length > maxEntries) return [];
  /** Of each rule whose every match is taken by others: one of those. Absent: a match of it is free. */
  const takers = new Map<number, number | undefined>();
  for (const [index, { match, rule }] of entries.entries()) {
    if (takers.has(rule) && takers.get(rule) === undefined) continue;
    const taker = entries
      .slice(0, index)
      .find((earlier) => earlier.rule !== rule && coversMatch(earlier.match, match));
    takers.set(rule, taker?.rule);
  }
  return [...takers].flatMap(([rule, taker]) => {
    const source = rules[rule]?.source;
    const by = taker === undefined ? undefined : rules[taker]?.source;
    if (source === undefined || by === undefined) return [];
    const { kind, namespace, name } = source;
    const message = `${textOf(source)} is never reached at ${place}: ${textOf(by)} matches before it whatever it matches`;
    return [{ code: "shadowed_rule", message, object: { kind, namespace, name } }];
  });
}

function textOf({ kind, namespace, name, section }: Source): string {
  return `${section} of ${kind} ${namespace}/${name}`;
}
