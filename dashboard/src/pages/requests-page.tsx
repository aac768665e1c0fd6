/** Request explorer: requests of chosen services as they end, with filters; each leads to its hops. */
import { useEffect, useState } from "preact/hooks";
import type { ServicesDocument } from "../api/documents.ts";
import { meshPath, withQuery } from "../api/fetch-json.ts";
import { resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { Icon } from "../parts/icon.tsx";
import { PageHead } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";
import { usePreferences } from "../preferences.ts";
import { useLocation } from "../router.ts";
import { RecordTable } from "../requests/record-table.tsx";
import { maxRecords, type TapState } from "../requests/tap-stream.ts";
import { type TapQuery, useTap } from "../requests/use-tap.ts";

const durations = [
  { seconds: 30, label: "30 s" },
  { seconds: 60, label: "1 min" },
  { seconds: 300, label: "5 min" },
] as const;
const examples = ["status >= 500", 'request.method == "POST"', "duration > duration('250ms')"] as const;

export function RequestsPage() {
  const { windowSeconds } = usePreferences();
  const { query } = useLocation();
  const services = useDocument<ServicesDocument>(
    withQuery(`${meshPath}/services`, { window: windowSeconds }),
    resourcesEveryMs,
  );
  const { state, start, stop } = useTap();
  const [wanted, setWanted] = useState<TapQuery>({
    service: query.get("service") ?? "",
    namespace: "",
    filter: "",
    withHeaders: false,
    seconds: 60,
  });
  const change = (part: Partial<TapQuery>): void => setWanted((before) => ({ ...before, ...part }));
  const isRunning = state.phase === "starting" || state.phase === "running";
  const names = (services.data?.items ?? []).map(({ namespace, name }) => `${namespace}/${name}`).toSorted();
  // Came from a service's page to watch it.
  useEffect(() => {
    if (query.has("service")) start(wanted);
  }, []);
  return (
    <div class="page">
      <PageHead title="Requests">
        <a class="button" href="/explain">
          Explain a request
        </a>
      </PageHead>
      <form
        class="tap-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isRunning) stop();
          else start(wanted);
        }}
      >
        <label class="field">
          <span>Service</span>
          <select
            value={wanted.service}
            disabled={isRunning}
            onChange={(event) => change({ service: event.currentTarget.value })}
          >
            <option value="">Every service</option>
            {wanted.service !== "" && !names.includes(wanted.service) && (
              <option value={wanted.service}>{wanted.service}</option>
            )}
            {names.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="field grow">
          <span>
            Filter <span class="quiet">in CEL</span>
          </span>
          <input
            type="text"
            class="mono"
            list="filters"
            placeholder={examples[0]}
            autoComplete="off"
            spellcheck={false}
            maxLength={2_000}
            disabled={isRunning}
            value={wanted.filter}
            onInput={(event) => change({ filter: event.currentTarget.value })}
          />
          <datalist id="filters">
            {examples.map((example) => (
              <option key={example} value={example} />
            ))}
          </datalist>
        </label>
        <label class="field">
          <span>For</span>
          <select
            value={wanted.seconds}
            disabled={isRunning}
            onChange={(event) => change({ seconds: Number(event.currentTarget.value) })}
          >
            {durations.map(({ seconds, label }) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={wanted.withHeaders}
            disabled={isRunning}
            onChange={(event) => change({ withHeaders: event.currentTarget.checked })}
          />
          <span>Headers</span>
        </label>
        <button class={isRunning ? "button" : "button primary"} type="submit">
          <Icon name={isRunning ? "stop" : "play"} />
          {isRunning ? "Stop" : "Watch"}
        </button>
      </form>
      <TapLine state={state} />
      {state.records.length > 0 ? (
        <RecordTable records={state.records} />
      ) : (
        <Empty title={emptyTitle(state)} icon="request">
          {state.phase === "idle" && (
            <p>
              Choose a service and press Watch. Requests appear as they end; each shows its way through the
              mesh. Every watch is written into the audit log.
            </p>
          )}
          {state.phase === "ended" && <p>Take a wider filter, or see in the topology where requests go.</p>}
        </Empty>
      )}
    </div>
  );
}

function TapLine({ state }: { readonly state: TapState }) {
  const { phase, proxies, seen, lost, why, records } = state;
  if (phase === "idle") return null;
  return (
    <p class="tap-line" role="status">
      {phase === "starting" && "Asking the proxies…"}
      {phase === "running" && (
        <>
          <span class="live-dot" aria-hidden="true" /> Watching at {proxies}{" "}
          {proxies === 1 ? "proxy" : "proxies"}
        </>
      )}
      {phase === "ended" && (why === "" || why === "stopped" ? "Over." : why)}
      {phase !== "starting" && (
        <span class="quiet">
          {" "}
          {seen.toLocaleString()} seen
          {seen > records.length && `, the newest ${maxRecords} are kept here`}
          {lost > 0 && `, ${lost.toLocaleString()} more than could be sent`}
        </span>
      )}
    </p>
  );
}

function emptyTitle({ phase }: TapState): string {
  if (phase === "idle") return "Watch live requests";
  return phase === "ended" ? "No request passed" : "Waiting for the first request";
}
