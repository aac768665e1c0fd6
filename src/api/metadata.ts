/** What every object carries besides its own content. The server owns uid, resourceVersion, generation and the times. */
import Type, { type TLiteral, type TString } from "typebox";
import { annotationValue, anyText, dnsLabel, labelKey, labelValue, timestamp } from "./formats.ts";
import { integer, list, object, opaque, optional, text, textMap } from "./schema.ts";

/** Kubernetes sets no number; this is far above use and keeps selectors cheap. */
const maxLabels = 256;
const maxAnnotations = 256;
const maxManagers = 256;

export const labelsSchema = textMap("Names that selectors choose by.", labelKey, labelValue, maxLabels);

/** Labels that choose: to add one to somebody else's would change what is chosen, so one writer owns them all. */
export const selectorSchema = textMap("Names that selectors choose by.", labelKey, labelValue, {
  max: maxLabels,
  isAtomic: true,
});

function commonFields<N extends TString | TLiteral<string>>(name: N) {
  return {
    name,
    labels: optional(labelsSchema),
    annotations: optional(
      textMap("Notes of people and tools; never selected by.", labelKey, annotationValue, maxAnnotations),
    ),
    uid: optional(text("Unique over time; set by the server.", anyText)),
    resourceVersion: optional(
      text(
        "The write that this is the state of. Sent back with a write, it must still be the newest.",
        anyText,
      ),
    ),
    generation: optional(
      integer(
        "Counts the changes of everything but metadata and status; set by the server.",
        0,
        Number.MAX_SAFE_INTEGER,
      ),
    ),
    creationTimestamp: optional(text("Set by the server.", timestamp)),
    deletionTimestamp: optional(text("Set by the server.", timestamp)),
    managedFields: optional(
      list("Who wrote which fields; kept by the server.", opaque("One manager's fields."), {
        max: maxManagers,
      }),
    ),
  };
}

export function namespacedMetadata(name: TString) {
  return object("Name, labels and what the server keeps about the object.", {
    ...commonFields(name),
    namespace: text("The namespace that the object lives in.", dnsLabel, { default: "default" }),
  });
}

export function clusterMetadata<N extends TString | TLiteral<string>>(name: N) {
  return object("Name, labels and what the server keeps about the object.", {
    ...commonFields(name),
    namespace: optional(Type.Never({ description: "objects of this kind live in no namespace" })),
  });
}

/** What the store adds to every object that it holds. */
export interface StoredMetadata {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly creationTimestamp: string;
}
