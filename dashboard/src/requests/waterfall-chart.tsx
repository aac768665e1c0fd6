/** Hops as bars on one scale of time; each bar's parts differ by pattern of shade and are named below. */
import { formatMs } from "../format/figures.ts";
import { Name } from "../parts/names.tsx";
import { StatusMark } from "../parts/status.tsx";
import type { Hop, Phase, Waterfall } from "./waterfall.ts";

export interface WaterfallChartProps {
  readonly waterfall: Waterfall;
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
}

const phaseNames: Readonly<Record<Phase["kind"], string>> = {
  admission: "policies and routing",
  connecting: "finding a connection",
  waiting: "waiting for the answer",
  receiving: "answer passing",
};
const ticks = [0, 0.25, 0.5, 0.75, 1] as const;

export function WaterfallChart({ waterfall: { hops, totalUs }, chosen, onChoose }: WaterfallChartProps) {
  return (
    <div class="waterfall">
      <div class="waterfall-scale" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick}>{formatMs((tick * totalUs) / 1000)}</span>
        ))}
      </div>
      <ol>
        {hops.map((hop, index) => (
          <li key={`${index} ${hop.record.proxy}`}>
            <button
              aria-pressed={index === chosen}
              aria-description={sayHop(hop)}
              onClick={() => onChoose(index)}
            >
              <span class={`waterfall-name depth-${Math.min(hop.depth, 8)}`}>
                <StatusMark level={hop.isFailed ? "bad" : "ok"} />
                <Name text={hop.record.proxy} />
                <span class="quiet">{hop.record.direction === "outbound" ? "sends" : "serves"}</span>
              </span>
              <Bars hop={hop} totalUs={totalUs} />
              <span class="figure">{formatMs((hop.toUs - hop.fromUs) / 1000)}</span>
            </button>
          </li>
        ))}
      </ol>
      <ul class="waterfall-legend">
        {(["admission", "connecting", "waiting", "receiving"] as const).map((kind) => (
          <li key={kind}>
            <span class={`swatch phase-${kind}`} aria-hidden="true" />
            {phaseNames[kind]}
          </li>
        ))}
      </ul>
    </div>
  );
}

const unit = 1_000;
const barHeight = 12;

function Bars({ hop, totalUs }: { readonly hop: Hop; readonly totalUs: number }) {
  const x = (us: number): number => (us / totalUs) * unit;
  const tries = hop.record.tries.length > 1 ? hop.record.tries : [];
  const height = barHeight + tries.length * 7 + 6;
  return (
    <svg
      class="waterfall-bars"
      height={height}
      viewBox={`0 0 ${unit} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {ticks.map((tick) => (
        <path key={tick} class="waterfall-grid" d={`M${tick * unit} 0V${height}`} />
      ))}
      <rect
        class="phase-rest"
        x={x(hop.fromUs)}
        y={3}
        width={Math.max(2, x(hop.toUs - hop.fromUs))}
        height={barHeight}
      />
      {hop.phases.map(({ kind, fromUs, toUs }) => (
        <rect
          key={kind}
          class={`phase-${kind}`}
          x={x(fromUs)}
          y={3}
          width={Math.max(1, x(toUs - fromUs))}
          height={barHeight}
        />
      ))}
      {tries.map((each, index) => (
        <rect
          key={`${index} ${each.address}`}
          class={/^[1-4]\d\d$/.test(each.outcome) ? "try" : "try failed"}
          x={x(hop.fromUs + each.startUs)}
          y={barHeight + 5 + index * 7}
          width={Math.max(2, x(Math.max(each.endUs, each.firstByteUs, each.startUs) - each.startUs))}
          height={4}
        />
      ))}
    </svg>
  );
}

function sayHop({ record, phases, fromUs, toUs, isFailed }: Hop): string {
  const parts = phases.map(
    (phase) => `${phaseNames[phase.kind]} ${formatMs((phase.toUs - phase.fromUs) / 1000)}`,
  );
  const side = record.direction === "outbound" ? "sends" : "serves";
  const tries = record.tries.length > 1 ? `, ${record.tries.length} tries` : "";
  return `${record.proxy} ${side}, ${formatMs((toUs - fromUs) / 1000)}${tries}${isFailed ? ", failed" : ""}: ${parts.join(", ")}`;
}
