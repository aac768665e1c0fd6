export type { TakenPlace } from "./hand-over-messages.ts";
export { HandOverServer, type HandOverSubject } from "./hand-over-server.ts";
export { InstanceDirectory } from "./instance-directory.ts";
export { type Place, placeText, type WorkerPlan } from "./messages.ts";
export { PageServer, type PageSource } from "./pages.ts";
export { retirePlace } from "./retire-listener.ts";
export { TakeOver } from "./take-over.ts";
export { runWorkerProcess } from "./worker-main.ts";
export { WorkerPool } from "./worker-pool.ts";
