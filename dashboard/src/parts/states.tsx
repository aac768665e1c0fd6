/** What stands where data would be: not yet, not there, not allowed, not now; each with what to do about it. */
import type { ComponentChildren } from "preact";
import type { ApiFailure } from "../api/fetch-json.ts";
import { useStore } from "../live/use-document.ts";
import { Icon, type IconName } from "./icon.tsx";

export interface EmptyProps {
  readonly title: string;
  readonly icon?: IconName;
  readonly children?: ComponentChildren;
}

export function Empty({ title, icon = "none", children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p class="empty-title">{title}</p>
      {children !== undefined && <div class="empty-text">{children}</div>}
    </div>
  );
}

export function Waiting({ lines = 4 }: { readonly lines?: number }) {
  return (
    <div class="waiting" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

/** Where nothing has come yet. What came once stays on the page, and the bar says that it is old. */
export function FailureNote({ failure }: { readonly failure: ApiFailure }) {
  const store = useStore();
  switch (failure.kind) {
    case "forbidden":
      return (
        <Empty title="You may not see this" icon="lock">
          <p>{failure.message}</p>
          <p>Whoever administers the mesh can give you a role; `weft auth whoami` shows what you have.</p>
        </Empty>
      );
    case "signed_out":
      return <Empty title="Your session has ended" icon="leave" />;
    case "missing":
      return (
        <Empty title="Not here" icon="search">
          <p>{failure.message}</p>
          <p>It may have been deleted, or this control plane is older than the dashboard.</p>
        </Empty>
      );
    case "away":
    case "broken":
    case "refused":
      return (
        <Empty
          title={failure.kind === "away" ? "The control plane is away" : "That did not work"}
          icon="note"
        >
          <p>{failure.message}</p>
          <button class="button" onClick={() => store.refresh()}>
            Try again
          </button>
        </Empty>
      );
  }
}
