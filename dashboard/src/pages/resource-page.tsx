/** One route or policy: its conditions, what it says, and every change of it. */
import { useMemo } from "preact/hooks";
import type { HistoryEntry, ResourceObject } from "../api/documents.ts";
import { historyPath } from "../charts/golden-signals.tsx";
import { formatAgo, formatDate } from "../format/times.ts";
import { resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { ChangeList } from "../parts/change-list.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Name } from "../parts/names.tsx";
import { PageHead, Panel } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { familyOf, listedKind } from "../resources/families.ts";
import { conditionsOf, levelOfCondition, stateOf, targetsOf } from "../resources/object-state.ts";
import { yamlText } from "../resources/yaml-text.ts";

export interface ResourcePageProps {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function ResourcePage({ kind, namespace, name }: ResourcePageProps) {
  const listed = listedKind(kind);
  const [space, own] = [namespace, name].map(encodeURIComponent);
  const path =
    listed === undefined
      ? undefined
      : `${listed.base}/namespaces/${space ?? ""}/${listed.plural}/${own ?? ""}`;
  const object = useDocument<ResourceObject>(path, resourcesEveryMs);
  const history = useDocument<{ readonly items: readonly HistoryEntry[] }>(historyPath, resourcesEveryMs);
  const changes = useMemo(
    () =>
      (history.data?.items ?? []).filter((entry) =>
        entry.changes.some(
          (each) => each.kind === kind && each.namespace === namespace && each.name === name,
        ),
      ),
    [history.data, kind, namespace, name],
  );
  const family = familyOf(kind) ?? "routes";
  return (
    <div class="page">
      <PageHead
        title={name}
        above={
          <>
            <a href={`/${family}`}>{family === "routes" ? "Routes" : "Policies"}</a> / {kind} /{" "}
            <bdi>{namespace}</bdi>
          </>
        }
      />
      {listed === undefined ? (
        <Empty title="No page has this address" icon="search">
          <p>"{kind}" is no kind of route or policy.</p>
        </Empty>
      ) : (
        <Loaded from={object} lines={8}>
          {(document) => (
            <>
              <Head object={document} />
              <Panel title="Conditions">
                <Conditions object={document} />
              </Panel>
              <div class="columns wide-left">
                <Panel title="What it says">
                  <pre class="yaml" tabIndex={0} aria-label="Specification">
                    {yamlText(document.spec ?? {})}
                  </pre>
                </Panel>
                <Panel title="History">
                  <ChangeList entries={changes} />
                </Panel>
              </div>
            </>
          )}
        </Loaded>
      )}
    </div>
  );
}

function Head({ object }: { readonly object: ResourceObject }) {
  const { level, word } = stateOf(object);
  const made = Date.parse(object.metadata.creationTimestamp ?? "");
  return (
    <dl class="tiles">
      <div class="tile">
        <dt>State</dt>
        <dd>
          <Status level={level}>{word}</Status>
        </dd>
      </div>
      <div class="tile wide">
        <dt>For</dt>
        <dd class="tile-text">
          {targetsOf(object).map((target) => (
            <Name key={target} text={target} />
          ))}
          {targetsOf(object).length === 0 && "the whole namespace"}
        </dd>
      </div>
      <div class="tile">
        <dt>Generation</dt>
        <dd>{object.metadata.generation ?? 1}</dd>
      </div>
      <div class="tile">
        <dt>Made</dt>
        <dd class="tile-text">
          {Number.isNaN(made) ? "–" : <time title={formatDate(made)}>{formatAgo(made, Date.now())}</time>}
        </dd>
      </div>
    </dl>
  );
}

function Conditions({ object }: { readonly object: ResourceObject }) {
  const conditions = conditionsOf(object);
  if (conditions.length === 0) {
    return <Empty title="No controller has looked at it yet" />;
  }
  return (
    <div class="table-frame" role="region" aria-label="Conditions" tabIndex={0}>
      <table>
        <caption class="unseen">Conditions</caption>
        <thead>
          <tr>
            <th scope="col">Condition</th>
            <th scope="col">At</th>
            <th scope="col">Why</th>
            <th scope="col" class="figure">
              Since
            </th>
          </tr>
        </thead>
        <tbody>
          {conditions.map((condition) => (
            <tr key={`${condition.at} ${condition.type}`}>
              <td>
                <Status level={levelOfCondition(condition)}>
                  {condition.type}: {condition.status}
                </Status>
              </td>
              <td>
                <Name text={condition.at === "" ? "itself" : condition.at} />
              </td>
              <td class="wrap">
                <b>{condition.reason}</b> <bdi>{condition.message}</bdi>
                {condition.observedGeneration !== undefined &&
                  condition.observedGeneration < (object.metadata.generation ?? 0) && (
                    <span class="quiet"> (of generation {condition.observedGeneration})</span>
                  )}
              </td>
              <td class="figure">{formatAgo(Date.parse(condition.lastTransitionTime), Date.now())}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
