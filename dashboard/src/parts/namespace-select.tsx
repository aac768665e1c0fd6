/** One namespace or all of them. */
import { useMemo } from "preact/hooks";

export interface NamespaceSelectProps {
  readonly items: readonly { readonly namespace: string }[];
  readonly value: string;
  readonly onChange: (value: string) => void;
}

export function NamespaceSelect({ items, value, onChange }: NamespaceSelectProps) {
  const names = useMemo(() => [...new Set(items.map(({ namespace }) => namespace))].toSorted(), [items]);
  return (
    <select aria-label="Namespace" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">All namespaces</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
