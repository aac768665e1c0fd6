/** A titled part of a page, and the head of the page itself. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

export interface PanelProps {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function Panel({ title, aside, class: className = "", children }: PanelProps) {
  return (
    <section class={`panel ${className}`}>
      <header class="panel-head">
        <h2>{title}</h2>
        {aside !== undefined && <div class="panel-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

export interface PageHeadProps {
  readonly title: string;
  readonly above?: ComponentChildren;
  readonly children?: ComponentChildren;
}

export function PageHead({ title, above, children }: PageHeadProps) {
  useEffect(() => {
    document.title = `${title} · weft`;
  }, [title]);
  return (
    <header class="page-head">
      <div class="page-title">
        {above !== undefined && <p class="above">{above}</p>}
        <h1>
          <bdi>{title}</bdi>
        </h1>
      </div>
      {children !== undefined && <div class="page-tools">{children}</div>}
    </header>
  );
}
