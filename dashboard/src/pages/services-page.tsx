/** Every service, to search and to sort. */
import { useMemo, useState } from "preact/hooks";
import type { ServicesDocument } from "../api/documents.ts";
import { meshPath, withQuery } from "../api/fetch-json.ts";
import { figuresEveryMs, useDocument } from "../live/use-document.ts";
import { Loaded } from "../parts/loaded.tsx";
import { NamespaceSelect } from "../parts/namespace-select.tsx";
import { PageHead } from "../parts/panel.tsx";
import { SearchField } from "../parts/search-field.tsx";
import { ServiceTable } from "../parts/service-table.tsx";
import { matchesSearch } from "../parts/table-rows.ts";
import { usePreferences } from "../preferences.ts";
import { useLocation } from "../router.ts";

export function ServicesPage() {
  const { windowSeconds } = usePreferences();
  const { query } = useLocation();
  const [search, setSearch] = useState("");
  const [namespace, setNamespace] = useState("");
  const services = useDocument<ServicesDocument>(
    withQuery(`${meshPath}/services`, { window: windowSeconds }),
    figuresEveryMs,
  );
  const rows = useMemo(
    () =>
      (services.data?.items ?? []).filter(
        (each) =>
          (namespace === "" || each.namespace === namespace) &&
          matchesSearch(`${each.namespace}/${each.name} ${each.versions.join(" ")}`, search),
      ),
    [services.data, search, namespace],
  );
  return (
    <div class="page">
      <PageHead title="Services">
        <SearchField
          label="Find a service"
          value={search}
          onChange={setSearch}
          isFocused={query.has("search")}
        />
        <NamespaceSelect items={services.data?.items ?? []} value={namespace} onChange={setNamespace} />
      </PageHead>
      <Loaded from={services} lines={8}>
        {() => <ServiceTable label="Services" rows={rows} />}
      </Loaded>
    </div>
  );
}
