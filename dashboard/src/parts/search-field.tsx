/** A field that narrows what is shown. `/` leads to it from anywhere on the page. */
import { useId } from "preact/hooks";
import { Icon } from "./icon.tsx";

export interface SearchFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Enter. */
  readonly onSubmit?: (() => void) | undefined;
  readonly isFocused?: boolean;
}

const maxLength = 200;

export function SearchField({ label, value, onChange, onSubmit, isFocused = false }: SearchFieldProps) {
  const id = useId();
  return (
    <div class="search">
      <label for={id} class="unseen">
        {label}
      </label>
      <Icon name="search" />
      <input
        id={id}
        type="search"
        placeholder={label}
        autoComplete="off"
        spellcheck={false}
        maxLength={maxLength}
        value={value}
        ref={isFocused ? focusOnce : null}
        onInput={(event) => onChange(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") onSubmit?.();
          if (event.key === "Escape") {
            if (value === "") event.currentTarget.blur();
            onChange("");
          }
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

function focusOnce(input: HTMLInputElement | null): void {
  input?.focus();
}
