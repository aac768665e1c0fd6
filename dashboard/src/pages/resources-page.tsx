/** Routes of every kind, or policies of every kind, with what became of them. */
import { useMemo, useState } from "preact/hooks";
import type { ResourceList, ResourceObject } from "../api/documents.ts";
import { type Shown, resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { type Column, DataTable } from "../parts/data-table.tsx";
import { FailureNote, Empty, Waiting } from "../parts/states.tsx";
import { Name } from "../parts/names.tsx";
import { PageHead } from "../parts/panel.tsx";
import { SearchField } from "../parts/search-field.tsx";
import { Status } from "../parts/status.tsx";
import { matchesSearch } from "../parts/table-rows.ts";
import { families, type Family, type ListedKind, objectPath } from "../resources/families.ts";
import { stateOf, targetsOf } from "../resources/object-state.ts";
import { formatAgo } from "../format/times.ts";

interface Row {
  readonly object: ResourceObject;
  readonly namespace: string;
  readonly name: string;
}

const levelValue = { bad: 0, note: 1, none: 2, ok: 3 } as const;
const columns: readonly Column<Row>[] = [
  {
    id: "state",
    title: "State",
    cell: ({ object }) => {
      const { level, word } = stateOf(object);
      return <Status level={level}>{word}</Status>;
    },
    value: ({ object }) => levelValue[stateOf(object).level],
  },
  {
    id: "name",
    title: "Name",
    cell: ({ object, namespace, name }) => (
      <span class="two-lines">
        <a href={objectPath(object.kind, namespace, name) ?? "/"}>
          <Name text={name} />
        </a>
        <Message object={object} />
      </span>
    ),
    value: ({ name }) => name,
  },
  { id: "kind", title: "Kind", cell: ({ object }) => object.kind, value: ({ object }) => object.kind },
  {
    id: "namespace",
    title: "Namespace",
    isMinor: true,
    cell: ({ namespace }) => <Name text={namespace} />,
    value: ({ namespace }) => namespace,
  },
  {
    id: "targets",
    title: "For",
    isMinor: true,
    cell: ({ object }) => <Name text={targetsOf(object).join(", ") || "the whole namespace"} />,
    value: ({ object }) => targetsOf(object).join(),
  },
  {
    id: "age",
    title: "Made",
    isFigure: true,
    isMinor: true,
    cell: ({ object }) => formatAgo(madeMs(object), Date.now()),
    value: ({ object }) => madeMs(object),
  },
];

function Message({ object }: { readonly object: ResourceObject }) {
  const { level, message } = stateOf(object);
  if (level === "ok" || message === "") return null;
  return (
    <span class="quiet wrap">
      <bdi>{message}</bdi>
    </span>
  );
}

function madeMs({ metadata }: ResourceObject): number {
  return Date.parse(metadata.creationTimestamp ?? "") || 0;
}

const titles: Readonly<Record<Family, string>> = { routes: "Routes", policies: "Policies" };
const emptyTexts: Readonly<Record<Family, string>> = {
  routes:
    "Routes split, match, retry and rewrite requests. Without one, a service's requests go to all of its endpoints.",
  policies: "Policies say who may call what, how often, and how failures are dealt with.",
};

export function ResourcesPage({ family }: { readonly family: Family }) {
  const [search, setSearch] = useState("");
  const lists = useLists(families[family]);
  const items = lists.flatMap(({ data }) => data?.items ?? []);
  const rows = useMemo(
    () =>
      items
        .map(
          (object): Row => ({
            object,
            namespace: object.metadata.namespace ?? "",
            name: object.metadata.name,
          }),
        )
        .filter(({ object, namespace, name }) =>
          matchesSearch(`${object.kind} ${namespace}/${name} ${targetsOf(object).join(" ")}`, search),
        ),
    // One of the lists came anew.
    [search, ...lists.map(({ data }) => data)],
  );
  // A kind that this control plane does not know is none that it has objects of.
  const failure = lists
    .map((list) => list.failure)
    .find((each) => each !== undefined && each.kind !== "missing");
  const isWaiting = lists.some(({ data, failure: problem }) => data === undefined && problem === undefined);
  return (
    <div class="page">
      <PageHead title={titles[family]}>
        <SearchField
          label={`Find a ${family === "routes" ? "route" : "policy"}`}
          value={search}
          onChange={setSearch}
        />
      </PageHead>
      {items.length === 0 && failure !== undefined ? (
        <FailureNote failure={failure} />
      ) : items.length === 0 && isWaiting ? (
        <Waiting lines={8} />
      ) : (
        <DataTable
          label={titles[family]}
          columns={columns}
          rows={rows}
          keyOf={({ object, namespace, name }) => `${object.kind} ${namespace}/${name}`}
          sort={{ column: "state", descending: false }}
          empty={
            <Empty
              title={search === "" ? `No ${family} yet` : "Nothing matches"}
              icon={family === "routes" ? "route" : "shield"}
            >
              {search === "" && (
                <p>
                  {emptyTexts[family]} <code>weft apply -f FILE</code> brings them in.
                </p>
              )}
            </Empty>
          }
        />
      )}
    </div>
  );
}

/** Every kind of the family is a list of its own; their number is fixed. */
function useLists(listed: readonly ListedKind[]): readonly Shown<ResourceList>[] {
  return listed.map(({ base, plural }) => useDocument<ResourceList>(`${base}/${plural}`, resourcesEveryMs));
}
