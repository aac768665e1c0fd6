/** Names that people and programs chose: shown as text whatever they hold, cut by the screen, whole in their tooltip. */
import { servicePath } from "../router.ts";

/** Bidirectional isolation: a name that is written from right to left does not turn its surroundings around. */
export function Name({ text }: { readonly text: string }) {
  return (
    <bdi class="name" title={text}>
      {text}
    </bdi>
  );
}

export interface ServiceLinkProps {
  /** namespace/name. */
  readonly id: string;
  readonly withNamespace?: boolean;
}

export function ServiceLink({ id, withNamespace = true }: ServiceLinkProps) {
  const slash = id.indexOf("/");
  if (slash < 0) return <Name text={id === "" ? "outside the mesh" : id} />;
  return (
    <a class="service-link" href={servicePath(id)} title={id}>
      <bdi class="name">{id.slice(slash + 1)}</bdi>
      {withNamespace && <bdi class="quiet namespace">{id.slice(0, slash)}</bdi>}
    </a>
  );
}
