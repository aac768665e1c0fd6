/** Figures for people: few digits, always the same width where they stand in columns, a dash where there is nothing to say. */
export const none = "–";

/** `12`, `1.2k`, `3.4M`; three significant digits. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return none;
  const steps = [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const;
  for (const [size, unit] of steps)
    if (Math.abs(value) >= size * 0.9995) return `${digits(value / size)}${unit}`;
  return digits(value);
}

/** Requests per second, without the unit. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return none;
  if (perSecond === 0) return "0";
  return perSecond < 0.01 ? "<0.01" : formatCount(perSecond);
}

/** `0.42 ms`, `12 ms`, `1.2 s`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return none;
  if (ms >= 999.5 * 60) return `${digits(ms / 60_000)} min`;
  return ms >= 999.5 ? `${digits(ms / 1000)} s` : `${digits(ms)} ms`;
}

/** `99.95 %`; never rounded up to all. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return none;
  if (share >= 1) return "100 %";
  const percent = Math.floor(share * 10_000) / 100;
  return `${percent >= 99 ? percent.toFixed(2) : percent.toFixed(1)} %`;
}

/** Of errors: `0 %`, `0.05 %`, `12.3 %`; never rounded down to none. */
export function formatErrorShare(share: number): string {
  if (!Number.isFinite(share)) return none;
  if (share <= 0) return "0 %";
  const percent = share * 100;
  if (percent < 0.01) return "<0.01 %";
  return `${trimmed(percent.toFixed(percent < 1 ? 2 : 1))} %`;
}

export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return none;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${digits(size)} ${units[unit] ?? ""}`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return String(Math.round(value));
  if (size >= 9.995) return trimmed(value.toFixed(1));
  return trimmed(value.toFixed(2));
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
