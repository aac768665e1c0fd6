/** Lays graphs out beside the page, so that the page never stands still for it. */
import { groupedLayout, type LayoutInput } from "./grouped-layout.ts";

addEventListener(
  "message",
  ({ data }: MessageEvent<{ readonly id: number; readonly input: LayoutInput }>) => {
    postMessage({ id: data.id, result: groupedLayout(data.input) });
  },
);
