/** One scenario as a bar chart in SVG, readable on light and on dark pages. No picture where no peer has the figure. */
import { type FigureName, figureStyles, show } from "./figures.ts";

interface Bar {
  readonly name: string;
  readonly version: string;
  readonly value: number;
}

export interface Picture {
  readonly title: string;
  readonly figure: FigureName;
  readonly bars: readonly Bar[];
}

const width = 720;
const top = 56;
const rowHeight = 30;
const barHeight = 18;
const barsLeft = 150;
/** Room for the longest value beside the longest bar. */
const barsWidth = 470;
const minBarWidth = 2;

const styleSheet = `
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 15px; }
  .quiet { fill: #59636e; font-size: 12px; }
  .bar { fill: #8c959f; }
  .weft { fill: #1a7f64; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .bar { fill: #6e7781; }
    .weft { fill: #3fb68b; }
  }`;

export function drawPicture({ title, figure, bars }: Picture): string {
  const { label, better } = figureStyles[figure];
  const height = top + bars.length * rowHeight + 8;
  // What proxies add to a latency may be below nothing: such a bar is as short as bars get.
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const rows = bars.map((bar, index) => {
    const y = top + index * rowHeight;
    const length = Math.max(minBarWidth, (Math.max(0, bar.value) / longest) * barsWidth);
    const middle = y + barHeight / 2 + 5;
    const name = `${escapeXml(bar.name)} <tspan class="quiet">${escapeXml(bar.version)}</tspan>`;
    return `  <text x="${barsLeft - 10}" y="${middle}" text-anchor="end">${name}</text>
  <rect class="bar${bar.name === "weft" ? " weft" : ""}" x="${barsLeft}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="3"/>
  <text x="${(barsLeft + length + 8).toFixed(1)}" y="${middle}">${show(figure, bar.value)}</text>
`;
  });
  const spoken = bars.map((bar) => `${bar.name} ${show(figure, bar.value)}`).join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
  <title>${escapeXml(title)}, ${label}: ${escapeXml(spoken)}</title>
  <style>${styleSheet}
  </style>
  <text class="title" x="10" y="22">${escapeXml(title)}</text>
  <text class="quiet" x="10" y="41">${label}, ${better} is better</text>
${rows.join("")}</svg>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
