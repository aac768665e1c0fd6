export { AccessLogger } from "./access-logger.ts";
export { AccessLog } from "./log-file.ts";
