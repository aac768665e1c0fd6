/** Objects as operators apply them: what the oracle reads and the generator writes. Nothing is defaulted, parsed or compiled. */

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
}

export interface ParentRef {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
}

export interface NamedValue {
  readonly name: string;
  readonly value: string;
  readonly type?: "Exact" | "RegularExpression";
}

interface PathMatch {
  readonly type?: "Exact" | "PathPrefix" | "RegularExpression";
  readonly value?: string;
}

interface CalledMethod {
  readonly type?: "Exact" | "RegularExpression";
  readonly service?: string;
  readonly method?: string;
}

/** Of either kind of route. */
export interface RouteMatch {
  readonly path?: PathMatch;
  readonly method?: string | CalledMethod;
  readonly headers?: readonly NamedValue[];
  readonly queryParams?: readonly NamedValue[];
}

export interface HeaderModifier {
  readonly set?: readonly NamedValue[];
  readonly add?: readonly NamedValue[];
  readonly remove?: readonly string[];
}

export interface NewPath {
  readonly type: "ReplaceFullPath" | "ReplacePrefixMatch";
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}

export interface Redirect {
  readonly scheme?: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: NewPath;
  readonly statusCode?: number;
}

export interface Rewrite {
  readonly hostname?: string;
  readonly path?: NewPath;
}

export interface BackendRef {
  readonly namespace?: string;
  readonly name: string;
  readonly port?: number;
  readonly weight?: number;
  readonly filters?: readonly Filter[];
}

export interface Cors {
  readonly allowOrigins: readonly string[];
  readonly allowCredentials?: boolean;
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAge?: number;
}

export interface Filter {
  readonly type: string;
  readonly requestHeaderModifier?: HeaderModifier;
  readonly responseHeaderModifier?: HeaderModifier;
  readonly urlRewrite?: Rewrite;
  readonly requestRedirect?: Redirect;
  readonly cors?: Cors;
  readonly requestMirror?: { readonly backendRef: BackendRef; readonly percent?: number };
}

export interface RouteRule {
  readonly name?: string;
  readonly matches?: readonly RouteMatch[];
  readonly filters?: readonly Filter[];
  readonly backendRefs?: readonly BackendRef[];
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string };
  readonly retry?: {
    readonly codes?: readonly number[];
    readonly attempts?: number;
    readonly backoff?: string;
  };
}

export interface Route {
  readonly apiVersion: string;
  readonly kind: "HTTPRoute" | "GRPCRoute";
  readonly metadata: Metadata;
  readonly spec: {
    readonly parentRefs?: readonly ParentRef[];
    readonly hostnames?: readonly string[];
    readonly rules?: readonly RouteRule[];
  };
}

export interface TargetRef {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string;
}

export interface Retries {
  readonly attempts?: number;
  readonly on?: readonly (string | number)[];
  readonly grpcOn?: readonly string[];
  readonly backoff?: { readonly base?: string; readonly max?: string };
  readonly unsafeMethods?: boolean;
  readonly maxBodyBytes?: number;
}

export interface TrafficPolicy {
  readonly apiVersion: string;
  readonly kind: "TrafficPolicy";
  readonly metadata: Metadata;
  readonly spec: {
    readonly targetRefs: readonly TargetRef[];
    readonly timeouts?: { readonly request?: string; readonly try?: string; readonly streamIdle?: string };
    readonly retries?: Retries;
  };
}

export interface Fault {
  readonly percentage?: number;
  readonly matches?: readonly RouteMatch[];
  readonly optInHeader?: string;
  readonly expiresAt: string;
  readonly delay?: string;
  readonly abort?: { readonly httpStatus?: number; readonly grpcStatus?: string };
}

export interface FaultPolicy {
  readonly apiVersion: string;
  readonly kind: "FaultPolicy";
  readonly metadata: Metadata;
  readonly spec: { readonly targetRefs: readonly TargetRef[]; readonly faults: readonly Fault[] };
}

export interface AccessRule {
  readonly name?: string;
  readonly from?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly to?: readonly OperationPatterns[];
}

export interface OperationPatterns {
  readonly methods?: readonly string[];
  readonly notMethods?: readonly string[];
  readonly paths?: readonly string[];
  readonly notPaths?: readonly string[];
  readonly hosts?: readonly string[];
  readonly ports?: readonly number[];
  readonly headers?: readonly { readonly name: string; readonly value?: string }[];
  readonly notHeaders?: readonly { readonly name: string; readonly value?: string }[];
}

export interface AuthorizationPolicy {
  readonly apiVersion: string;
  readonly kind: "AuthorizationPolicy";
  readonly metadata: Metadata;
  readonly spec: {
    readonly targetRefs?: readonly TargetRef[];
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly action: "Allow" | "Deny" | "Audit";
    readonly mode?: "Enforce" | "DryRun";
    readonly rules?: readonly AccessRule[];
  };
}

export interface ReferenceGrant {
  readonly apiVersion: string;
  readonly kind: "ReferenceGrant";
  readonly metadata: Metadata;
  readonly spec: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  };
}

export interface Service {
  readonly apiVersion: "v1";
  readonly kind: "Service";
  readonly metadata: Metadata;
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports: readonly {
      readonly name?: string;
      readonly port: number;
      readonly appProtocol?: string;
      readonly targetPort?: number | string;
    }[];
  };
}

export interface Workload {
  readonly apiVersion: string;
  readonly kind: "MeshWorkload";
  readonly metadata: Metadata;
  readonly spec: {
    readonly serviceAccount: string;
    readonly addresses: readonly string[];
    readonly ports: readonly { readonly port: number; readonly name?: string; readonly protocol?: string }[];
  };
}

export interface Gateway {
  readonly apiVersion: string;
  readonly kind: "Gateway";
  readonly metadata: Metadata;
  readonly spec: {
    readonly gatewayClassName: string;
    readonly listeners: readonly {
      readonly name: string;
      readonly port: number;
      readonly protocol: string;
      readonly hostname?: string;
      readonly allowedRoutes?: { readonly namespaces?: { readonly from?: string } };
    }[];
  };
}

/** Of which the oracle takes no notice. */
interface Other {
  readonly apiVersion: string;
  readonly kind: "Namespace" | "ServiceAccount" | "GatewayClass";
  readonly metadata: Metadata;
  readonly spec?: object;
}

export interface MeshConfig {
  readonly apiVersion: string;
  readonly kind: "MeshConfig";
  readonly metadata: Metadata;
  readonly spec: {
    readonly security?: {
      readonly defaultAuthorization?: "Allow" | "Deny";
      readonly authorizationLevels?: "Tighten" | "Unite";
    };
  };
}

export type Applied =
  | Route
  | TrafficPolicy
  | FaultPolicy
  | AuthorizationPolicy
  | ReferenceGrant
  | Service
  | Workload
  | Gateway
  | MeshConfig
  | Other;

/** Who asks for what: all that an answer may depend on. */
export interface Question {
  /** A client's sidecar, or a client from outside at a gateway. */
  readonly from:
    | { readonly kind: "workload"; readonly workload: string }
    | { readonly kind: "client"; readonly gateway: string };
  /** "namespace/name" of the Service that was dialled; empty at a gateway. */
  readonly service: string;
  /** Of the Service, or of the gateway's listeners. */
  readonly port: number;
  /** Host field, as the client writes it. */
  readonly authority: string;
  readonly method: string;
  /** As it is sent, without the query. */
  readonly path: string;
  readonly query: string;
  /** Names in lower case, each once. */
  readonly headers: readonly (readonly [string, string])[];
  readonly requestId: string;
  readonly isGrpc: boolean;
}

export function namespaceOf({ metadata }: { readonly metadata: Metadata }): string {
  return metadata.namespace ?? "default";
}

/** "namespace/name". */
export function pathOf(object: { readonly metadata: Metadata }): string {
  return `${namespaceOf(object)}/${object.metadata.name}`;
}

export function isSameObject(a: Applied, b: Applied): boolean {
  return a.kind === b.kind && pathOf(a) === pathOf(b);
}

/** All of both; of one object what is written last. */
export function overlaid(under: readonly Applied[], over: readonly Applied[]): Applied[] {
  return [...under.filter((each) => !over.some((other) => isSameObject(each, other))), ...over];
}

export function headerOf(question: Question, name: string): string | undefined {
  return question.headers.find(([each]) => each === name)?.[1];
}
