export { type Place, placeText, type WorkerPlan } from "./messages.ts";
export { PageServer, type PageSource } from "./pages.ts";
export { runWorkerProcess } from "./worker-main.ts";
export { WorkerPool } from "./worker-pool.ts";
