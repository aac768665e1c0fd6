/** State in a colour, a shape and a word at once, so that none of them is needed alone. */
import type { ComponentChildren } from "preact";
import type { Level } from "../format/health.ts";
import { Icon } from "./icon.tsx";

const words: Readonly<Record<Level, string>> = { ok: "Good", note: "Look", bad: "Bad", none: "Idle" };

export function Status({
  level,
  children,
}: {
  readonly level: Level;
  readonly children?: ComponentChildren;
}) {
  return (
    <span class={`status ${level}`}>
      <Icon name={level} />
      <span>{children ?? words[level]}</span>
    </span>
  );
}

/** Where there is room for the shape only; the word is for those who cannot see it. */
export function StatusMark({ level, label }: { readonly level: Level; readonly label?: string }) {
  return (
    <span class={`status ${level}`} title={label ?? words[level]}>
      <Icon name={level} />
      <span class="unseen">{label ?? words[level]}</span>
    </span>
  );
}

/** Whether what goes over a line is encrypted and both ends are known. */
export function TlsMark({ isMutual }: { readonly isMutual: boolean }) {
  const label = isMutual ? "mutual TLS" : "plaintext";
  return (
    <span class={isMutual ? "tls" : "tls open"} title={label}>
      <Icon name={isMutual ? "lock" : "unlock"} />
      <span class="unseen">{label}</span>
    </span>
  );
}
