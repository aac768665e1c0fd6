/** Shows data where it has come, and otherwise why not. */
import type { ComponentChildren } from "preact";
import type { Shown } from "../live/use-document.ts";
import { FailureNote, Waiting } from "./states.tsx";

export interface LoadedProps<T> {
  readonly from: Shown<T>;
  readonly lines?: number;
  readonly children: (data: T) => ComponentChildren;
}

export function Loaded<T>({ from, lines = 4, children }: LoadedProps<T>) {
  if (from.data !== undefined) return <>{children(from.data)}</>;
  if (from.failure !== undefined) return <FailureNote failure={from.failure} />;
  return <Waiting lines={lines} />;
}
