export { maxQuestionsInFlight } from "./bounds.ts";
export { externalAuthorization } from "./external-authorization.ts";
