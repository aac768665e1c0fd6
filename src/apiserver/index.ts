export { AuditLog } from "./audit/audit-log.ts";
export type { ApiListen, ApiTls } from "./listeners.ts";
export { type ApiServer, type OidcSettings, startApiServer } from "./server.ts";
export type { TelemetryProviders } from "./telemetry-endpoints.ts";
