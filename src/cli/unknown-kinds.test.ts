/** Of others' output, what weft does not know is left out by name, file and line; what is merely wrong stays and is refused. */
import { expect, test } from "bun:test";
import { parseYamlDocuments } from "../api/index.ts";
import { withoutUnknownKinds } from "./unknown-kinds.ts";

const text = `
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: other}
---
apiVersion: v2
kind: Service
metadata: {name: wrong-version}
---
just: text
`;

test("unknown kinds, also those that share a name with one of ours, are skipped and said", () => {
  const { documents } = parseYamlDocuments(text, "all.yaml");
  const notes: string[] = [];
  const kept = withoutUnknownKinds(documents, { note: (line) => void notes.push(line) });
  expect(kept.map(({ line }) => line)).toEqual([2, 14, 18]);
  expect(notes).toEqual([
    "all.yaml:6: skipped Deployment web (apps/v1): weft does not know this kind",
    "all.yaml:10: skipped Service other (serving.knative.dev/v1): weft does not know this kind",
  ]);
});
