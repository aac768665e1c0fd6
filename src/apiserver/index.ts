export type { JoinTokenRequest, MeshProviders } from "./mesh-endpoints.ts";
export { type ApiListen, type ApiServer, type ApiServerOptions, startApiServer } from "./server.ts";
