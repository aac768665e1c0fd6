export { serveTaps } from "./taps.ts";
