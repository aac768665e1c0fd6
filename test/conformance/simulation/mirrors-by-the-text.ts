/**
 * Copies of a request for mirrors, by the text of Gateway API: a mirror that leads nowhere is left out, and each of the others gets
 * its share of requests. What a backend gets a mirror gets.
 */
import type { Applied, BackendRef, Question } from "./applied.ts";
import { namespaceOf, pathOf } from "./applied.ts";
import type { Taken } from "./attachment-by-the-text.ts";
import { isResolved } from "./backends-by-the-text.ts";
import { shareByTheText } from "./share-by-the-text.ts";

/** "namespace/service:port" of each copy, in the order of the filters of the rule and then of its backend. */
export function mirrorsByTheText(
  objects: readonly Applied[],
  question: Question,
  { route, rule }: Taken,
  backend: BackendRef,
): string[] {
  const mirrors = [...(rule.filters ?? []), ...(backend.filters ?? [])]
    .flatMap(({ requestMirror }) => requestMirror ?? [])
    .filter(({ backendRef, percent }) => percent !== 0 && isResolved(objects, route, question, backendRef));
  return mirrors.flatMap(({ backendRef, percent = 100 }, index) => {
    const share = shareByTheText(question.requestId, `mirror[${index}] ${pathOf(route)}`);
    if (share * 100 >= percent) return [];
    return [`${backendRef.namespace ?? namespaceOf(route)}/${backendRef.name}:${backendRef.port}`];
  });
}
