export { externalAuthorization } from "./external-authorization.ts";
