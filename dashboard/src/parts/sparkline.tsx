/** The shape of the last minutes in the height of a line of text. The figure beside it says the value. */
import { sparkPaths } from "./spark-paths.ts";

export interface SparklineProps {
  readonly values: readonly number[];
  readonly width?: number;
  readonly height?: number;
}

export function Sparkline({ values, width = 96, height = 24 }: SparklineProps) {
  const { line, area } = sparkPaths(values, width, height);
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path class="spark-area" d={area} />
      <path class="spark-line" d={line} />
    </svg>
  );
}
