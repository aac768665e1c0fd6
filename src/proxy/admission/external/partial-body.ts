/** Tells a service whether it sees all of the request's body: the field that Envoy has for this. */
export const partialBodyField = "x-envoy-auth-partial-body";
