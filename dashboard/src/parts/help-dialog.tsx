/** The keys that work on every page. */
import { useEffect, useRef } from "preact/hooks";
import { destinations } from "../shortcuts.ts";
import { Icon } from "./icon.tsx";

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="help-title" onClose={onClose}>
      <header>
        <h2 id="help-title">Keys</h2>
        <button class="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <dl class="keys">
        <Key keys={["/"]} says="Search on this page, or among services" />
        <Key keys={["?"]} says="These keys" />
        <Key keys={["d"]} says="Theme: system, light, dark" />
        {destinations.map(({ key, label }) => (
          <Key key={key} keys={["g", key]} says={label} />
        ))}
        <Key keys={["arrows"]} says="In the topology: from node to node" />
        <Key keys={["+", "−", "0"]} says="In the topology: larger, smaller, all of it" />
        <Key keys={["Esc"]} says="Close, or let go of what is chosen" />
      </dl>
    </dialog>
  );
}

function Key({ keys, says }: { readonly keys: readonly string[]; readonly says: string }) {
  return (
    <div>
      <dt>
        {keys.map((each) => (
          <kbd key={each}>{each}</kbd>
        ))}
      </dt>
      <dd>{says}</dd>
    </div>
  );
}
