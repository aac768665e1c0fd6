export { type ApiListen, type ApiServer, startApiServer } from "./server.ts";
