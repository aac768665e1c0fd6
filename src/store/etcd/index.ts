export { type EtcdReplica, openEtcdReplica } from "./replica.ts";
export { jsonOf, type SharedValues } from "./shared-values.ts";
