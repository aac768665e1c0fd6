/** An HTTPRoute once compiled: what its rules do and where it attaches, whatever else attaches there. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HttpRuleSchema } from "../model/index.ts";
import type { RankedMatch, RouteOrder } from "./precedence.ts";

export type RuleContent = MessageInitShape<typeof HttpRuleSchema>;

export type Attachment =
  | {
      readonly kind: "Service";
      /** "namespace/name". */
      readonly parent: string;
      /** Undefined: every port. */
      readonly port: number | undefined;
    }
  | {
      readonly kind: "Gateway";
      readonly parent: string;
      readonly listener: string;
      /** What listener and route have in common. */
      readonly hostnames: readonly string[];
    };

export interface CompiledRoute extends RouteOrder {
  readonly namespace: string;
  readonly rules: readonly RuleContent[];
  readonly matches: readonly RankedMatch[];
  readonly attachments: readonly Attachment[];
}

/** Key of the set of routes that attach to a parent. */
export function parentFact(attachment: Pick<Attachment, "kind" | "parent">): string {
  return `routes-of:${attachment.kind}:${attachment.parent}`;
}
