/** The answer: what comes of the request, then each proxy on its way with what it decided and which object said so. */
import type { ComponentChildren } from "preact";
import type { Explanation, ExplanationHop, ExplanationSource } from "../api/documents.ts";
import type { Level } from "../format/health.ts";
import { Name } from "../parts/names.tsx";
import { Panel } from "../parts/panel.tsx";
import { Status } from "../parts/status.tsx";
import { pathOf } from "../router.ts";

type Outcome = Explanation["outcome"];

const levels: Readonly<Record<Outcome["verdict"], Level>> = {
  forwarded: "ok",
  answered: "note",
  denied: "bad",
  refused: "bad",
  unknown: "none",
};
const verdictWords: Readonly<Record<Outcome["verdict"], string>> = {
  forwarded: "An application gets it",
  answered: "A proxy answers it",
  denied: "A policy denies it",
  refused: "The mesh cannot carry it",
  unknown: "Only the moment can tell",
};

export function ExplanationView({
  explanation: { outcome, hops, notes },
}: {
  readonly explanation: Explanation;
}) {
  return (
    <>
      <Panel title="What comes of it" aside={<OutcomeStatus outcome={outcome} />}>
        <Facts>
          <OutcomeFacts outcome={outcome} />
        </Facts>
        <Notes notes={notes} />
      </Panel>
      {hops.map((hop, index) => (
        <HopPanel key={`${index} ${hop.proxy.name}`} hop={hop} number={index + 1} />
      ))}
    </>
  );
}

function OutcomeStatus({ outcome }: { readonly outcome: Outcome }) {
  return <Status level={levels[outcome.verdict]}>{verdictWords[outcome.verdict]}</Status>;
}

function OutcomeFacts({
  outcome: { status, grpcStatus, reason, detail, by },
}: {
  readonly outcome: Outcome;
}) {
  return (
    <>
      {status !== undefined && <Fact name="Status">{status}</Fact>}
      {grpcStatus !== undefined && <Fact name="gRPC status">{grpcStatus}</Fact>}
      {reason !== undefined && (
        <Fact name="Reason">
          <code>{reason}</code> {detail !== undefined && <bdi>{detail}</bdi>}
        </Fact>
      )}
      {by !== undefined && (
        <Fact name="Decided by">
          <Source source={by} />
        </Fact>
      )}
    </>
  );
}

function HopPanel({ hop, number }: { readonly hop: ExplanationHop; readonly number: number }) {
  const side =
    hop.proxy.role === "gateway"
      ? "gateway"
      : hop.proxy.direction === "outbound"
        ? "caller's side"
        : "callee's side";
  const chosen = hop.backends.find((backend) => backend.chosen);
  return (
    <Panel title={`${number}. ${hop.proxy.name}, ${side}`} aside={<OutcomeStatus outcome={hop.outcome} />}>
      <Facts>
        <Fact name="Comes in at">
          <bdi>{hop.listener.text}</bdi> <span class="quiet">{hop.protocol}</span>
        </Fact>
        {hop.route !== undefined && (
          <Fact name="Rule">
            {hop.route.source !== undefined && <Source source={hop.route.source} />}{" "}
            <span class="quiet">
              <bdi>{hop.route.matched}</bdi>
            </span>
          </Fact>
        )}
        <OutcomeFacts outcome={hop.outcome} />
        {hop.rewrite?.hostname !== undefined && <Fact name="New host">{hop.rewrite.hostname}</Fact>}
        {hop.rewrite?.path !== undefined && <Fact name="New path">{hop.rewrite.path}</Fact>}
        {chosen?.unresolved !== undefined && <Fact name="Backend">{chosen.unresolved}</Fact>}
        {hop.sent !== undefined && (
          <Fact name="Sent as">
            <bdi class="mono">{`${hop.sent.method} ${hop.sent.url}`.trim()}</bdi>
          </Fact>
        )}
      </Facts>
      <Rows
        title="Rules that were not taken"
        heads={["Rule", "Asks for", "Why not"]}
        rows={(hop.route?.others ?? []).map(({ source, matched, why }) => [
          source === undefined ? "" : <Source source={source} />,
          matched,
          why,
        ])}
      />
      <Rows
        title="Policies that were asked"
        heads={["Policy", "Does", "Level", "Matches"]}
        rows={hop.admission.map((policy) => [
          policy.source === undefined ? "" : <Source source={policy.source} />,
          policy.isDryRun ? `${policy.action}, dry run` : policy.action,
          policy.level,
          policy.isMatch ? (policy.rule ?? "yes") : (policy.mismatch ?? "no"),
        ])}
      />
      <Rows
        title="Trouble on purpose"
        heads={["Fault", "Happens"]}
        rows={hop.faults.map(({ source, happens, why }) => [source, happens ? "yes" : why])}
      />
      <Rows
        title="Backends"
        heads={["Backend", "Share", "Chosen", "Endpoints"]}
        rows={hop.backends.map(({ cluster, source, share, chosen: isChosen, endpoints }) => [
          cluster === "" ? (source?.name ?? "") : cluster,
          `${(share * 100).toFixed(share === 0 || share === 1 ? 0 : 1)} %`,
          isChosen ? "yes" : "",
          endpoints.map(({ workload, health }) => `${workload} (${health})`).join(", "),
        ])}
      />
      <Rows
        title="How it is carried"
        heads={["Setting", "Value", "Said by"]}
        rows={hop.settings.map(({ field, value, origin }) => [
          field,
          value,
          origin === undefined ? "default" : <Source source={origin} />,
        ])}
      />
      <Rows
        title="Edits"
        heads={["Of", "What", "Field", "Value"]}
        rows={[
          ...hop.requestEdits.map((edit) => ["request", edit.operation, edit.name, edit.value ?? ""]),
          ...hop.responseEdits.map((edit) => ["answer", edit.operation, edit.name, edit.value ?? ""]),
        ]}
      />
      <Notes notes={hop.notes} />
    </Panel>
  );
}

function Facts({ children }: { readonly children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Nothing where there is nothing to list. */
function Rows({
  title,
  heads,
  rows,
}: {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly ComponentChildren[])[];
}) {
  if (rows.length === 0) return null;
  return (
    <section class="explain-rows">
      <h3>{title}</h3>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keys */}
      <div class="table-frame" role="region" aria-label={title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, column) => (
                  <td key={heads[column]}>{typeof cell === "string" ? <bdi>{cell}</bdi> : cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const routeKinds: ReadonlySet<string> = new Set(["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"]);

function Source({
  source: { kind, namespace, name, section, revision },
}: {
  readonly source: ExplanationSource;
}) {
  const path = namespace === "" ? name : `${namespace}/${name}`;
  const family = routeKinds.has(kind) ? "routes" : kind.endsWith("Policy") ? "policies" : "";
  return (
    <span>
      {kind}{" "}
      {family === "" ? (
        <Name text={path} />
      ) : (
        <a href={pathOf(family, kind, namespace, name)}>
          <Name text={path} />
        </a>
      )}
      {section !== "" && <bdi> {section}</bdi>}
      {revision !== undefined && <span class="quiet"> revision {revision}</span>}
    </span>
  );
}

function Notes({ notes }: { readonly notes: readonly string[] }) {
  return (
    <>
      {notes.map((note) => (
        <p key={note} class="quiet">
          <bdi>{note}</bdi>
        </p>
      ))}
    </>
  );
}
