/** What `weft check` would say, each with the fix; the worst first. */
import type { Finding } from "../api/documents.ts";
import { compareLevels } from "../format/health.ts";
import { pathOf } from "../router.ts";
import { Empty } from "./states.tsx";
import { StatusMark } from "./status.tsx";

const most = 12;
const routeKinds = new Set(["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"]);

export function FindingList({ findings }: { readonly findings: readonly Finding[] }) {
  const shown = findings
    .filter(({ level }) => level !== "ok")
    .toSorted((a, b) => compareLevels(a.level, b.level));
  if (shown.length === 0) {
    return (
      <Empty title="Nothing to do" icon="ok">
        <p>Routes are used, certificates are young, nobody comes in plaintext.</p>
      </Empty>
    );
  }
  return (
    <>
      <ul class="findings">
        {shown.slice(0, most).map((finding) => (
          <li key={`${finding.code} ${finding.message}`}>
            <StatusMark level={finding.level} />
            <div>
              <p class="finding-message">
                <bdi>{finding.message}</bdi>
              </p>
              <p class="quiet">
                <bdi>{finding.fix}</bdi>
              </p>
              <p class="finding-foot">
                <code>{finding.code}</code>
                <About finding={finding} />
              </p>
            </div>
          </li>
        ))}
      </ul>
      {shown.length > most && (
        <p class="quiet">
          and {shown.length - most} more: <code>weft check</code> prints all
        </p>
      )}
    </>
  );
}

function About({ finding: { about } }: { readonly finding: Finding }) {
  if (about === undefined) return null;
  const { kind, namespace, name } = about;
  const text = `${kind} ${namespace === "" ? name : `${namespace}/${name}`}`;
  const path =
    kind === "Service" || kind === "ExternalService"
      ? pathOf("services", namespace, name)
      : routeKinds.has(kind)
        ? pathOf("routes", kind, namespace, name)
        : kind.endsWith("Policy")
          ? pathOf("policies", kind, namespace, name)
          : undefined;
  return path === undefined ? <bdi class="quiet">{text}</bdi> : <a href={path}>{text}</a>;
}
