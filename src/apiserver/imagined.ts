/** What a write would have left behind: the answer to a dry run. */
import { randomUUID } from "node:crypto";
import type { ApiObject, Stored } from "../api/index.ts";
import { secondsText } from "../kernel/index.ts";
import { sameContent } from "./same-content.ts";

/** A new object has a uid and a time that no other answer will repeat, and no resourceVersion. */
export function imagined(object: ApiObject, existing: Stored | undefined, nowMs: number): ApiObject {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const server =
    existing === undefined
      ? {
          uid: randomUUID(),
          generation: 1,
          creationTimestamp: secondsText(nowMs),
        }
      : {
          uid: existing.metadata.uid,
          resourceVersion: existing.metadata.resourceVersion,
          creationTimestamp: existing.metadata.creationTimestamp,
          generation: existing.metadata.generation + (sameContent(existing, object) ? 0 : 1),
        };
  return withMetadata(object, { ...metadata, ...server });
}

function withMetadata<T extends ApiObject>(object: T, metadata: object): T {
  return { ...object, metadata: { ...object.metadata, ...metadata } };
}
