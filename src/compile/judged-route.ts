/** What compiling a route found out about it at each of its parents; `routeStatus` makes its status of it. */
import type { Attachment } from "./compiled-route.ts";
import type { ParentInput, RouteInput, RouteKind } from "./route-input.ts";
import type { ComputedCondition } from "./status.ts";

export interface JudgedParent {
  readonly parent: ParentInput;
  /** None: it does not attach, and `acceptance` says why. */
  readonly attachments: readonly Attachment[];
  readonly acceptance: readonly ComputedCondition[];
  readonly resolution: ComputedCondition | undefined;
}

export interface JudgedRoute {
  readonly kind: RouteKind;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly parents: readonly JudgedParent[];
}

export function judge(route: RouteInput, parents: readonly JudgedParent[]): JudgedRoute {
  const { namespace, name, generation } = route.metadata;
  return { kind: route.kind, namespace, name, generation, parents };
}
