/** Annotations with a meaning of weft's own: settings that the standard kinds have no field for. */

/**
 * On a Gateway, "required": every connection begins with a PROXY protocol header, and one that does not is closed. On a
 * Service, "v1" or "v2": connections to its endpoints begin with a header of that version.
 */
export const proxyProtocolAnnotation = "weft.dev/proxy-protocol";

/** Key in a listener's `tls.options`: "1.2" (the default) or "1.3". */
export const minTlsVersionOption = "weft.dev/min-tls-version";
/** Options with this prefix are ours: one that is not known is an error. */
export const ownOptionPrefix = "weft.dev/";

/**
 * On a Namespace, "deny": connections of its workloads to addresses that the mesh does not know are refused, whatever
 * MeshConfig says. A namespace can only be stricter than its mesh, so there is no other value.
 */
export const outboundTrafficAnnotation = "weft.dev/outbound-traffic";

/** On any object, in the write that sets or changes it: why, and the commit of a repository that it comes from; for the history. */
export const changeMessageAnnotation = "weft.dev/change-message";
export const sourceCommitAnnotation = "weft.dev/source-commit";
