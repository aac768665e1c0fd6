/** The outline of a sparkline as SVG paths. */

/** From zero, so that a flat line is flat. */
export function sparkPaths(
  values: readonly number[],
  width: number,
  height: number,
): { readonly line: string; readonly area: string } {
  if (values.length < 2) return { line: "", area: "" };
  const margin = 1.5;
  const max = Math.max(...values, Number.MIN_VALUE);
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * width;
    const y = height - margin - (Math.max(0, value) / max) * (height - 2 * margin);
    return `${round(x)} ${round(y)}`;
  });
  const line = `M${points.join("L")}`;
  return { line, area: `${line}L${width} ${height}L0 ${height}Z` };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
