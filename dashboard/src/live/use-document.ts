/** Documents in components. The type is the caller's word for what the path answers, as everywhere where JSON comes in. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { ApiFailure } from "../api/fetch-json.ts";
import type { DocumentStore } from "./document-store.ts";

export const DocumentsContext = createContext<DocumentStore | undefined>(undefined);

/** Figures move; what people write moves seldom. */
export const figuresEveryMs = 3_000;
export const resourcesEveryMs = 5_000;

export interface Shown<T> {
  readonly data: T | undefined;
  readonly failure: ApiFailure | undefined;
  readonly atMs: number;
}

export function useStore(): DocumentStore {
  const store = useContext(DocumentsContext);
  if (store === undefined) throw new Error("no documents here");
  return store;
}

/** An undefined path asks for nothing. `path` of a function is asked for under `key`, which it has to be told by. */
export function useDocument<T>(
  path: string | { readonly key: string; readonly path: () => string } | undefined,
  everyMs: number | undefined = figuresEveryMs,
): Shown<T> {
  const store = useStore();
  const key = typeof path === "object" ? path.key : path;
  const [, setTurn] = useState(0);
  useEffect(() => {
    if (path === undefined || key === undefined) return undefined;
    const tell = typeof path === "object" ? path.path : () => path;
    return store.show({ key, path: tell, everyMs }, () => setTurn((turn) => (turn + 1) % 1_000_000));
    // The key tells the path.
  }, [store, key, everyMs]);
  const { data, failure, atMs } = store.read(key ?? "");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON of our own API, whose type the caller names
  return { data: data as T | undefined, failure, atMs };
}
