export { type KeySetFigures, KeySetKeeper, type KeySetSettings } from "./key-set-keeper.ts";
