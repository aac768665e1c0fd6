import { expect, test } from "bun:test";
import { drawPicture } from "./picture.ts";

const bars = [
  { name: "weft", version: "0.1.0", value: 25 },
  { name: "a<b", version: "1", value: 50 },
  { name: "none", version: "", value: -0.2 },
];
const svg = drawPicture({ title: "http1 & more", figure: "cpuUsPerRequest", bars });

test("the longest bar fills the room and the others are in proportion", () => {
  const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
  expect(widths).toEqual([235, 470, 2]);
});

test("each bar carries its value, and all are in the spoken title", () => {
  expect(svg).toContain(">25.0</text>");
  expect(svg).toContain("weft 25.0, a&lt;b 50.0, none -0.2");
});

test("names are text, not markup", () => {
  expect(svg).toContain("http1 &amp; more");
  expect(svg).not.toContain("a<b");
});

test("has colours for dark pages", () => {
  expect(svg).toContain("prefers-color-scheme: dark");
});
