/** A client's sidecar in front of a server's whose port has policies, over real sockets and mutual TLS. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Admission,
  AdmissionSchema,
  AuthorizationAction,
  AuthorizationLevel,
  type AuthorizationRuleSchema,
  InboundSchema,
  MeshSchema,
  Protocol,
} from "../../model/index.ts";
import type { FilterFactories } from "../admission/index.ts";
import type { RunningProxy } from "../running-proxy.ts";
import type { FakeAgent } from "./fake-agent.ts";
import type { TestMesh } from "./test-mesh.ts";

type RuleInit = MessageInitShape<typeof AuthorizationRuleSchema>;

/** One policy for each entry. */
export function admissionOf(
  policies: readonly {
    readonly name: string;
    readonly action: "deny" | "allow" | "audit";
    readonly rules: readonly RuleInit[];
  }[],
): Admission {
  const actions = {
    deny: AuthorizationAction.DENY,
    allow: AuthorizationAction.ALLOW,
    audit: AuthorizationAction.AUDIT,
  };
  return create(AdmissionSchema, {
    authorization: {
      policies: policies.map(({ name, action, rules }) => ({
        source: { kind: "AuthorizationPolicy", namespace: "default", name },
        action: actions[action],
        level: AuthorizationLevel.WORKLOAD,
        rules: rules.map((rule, index) => ({ name: `rules[${index}]`, ...rule })),
      })),
    },
  });
}

export interface GuardedServer {
  readonly proxy: RunningProxy;
  readonly agent: FakeAgent;
  /** From now on the port asks this; undefined: nothing. */
  ask(admission: Admission | undefined): void;
}

/** A sidecar whose application's one port has an admission. `mesh.client` of the returned endpoint talks to it. */
export async function guardedServer(
  mesh: TestMesh,
  port: number,
  options: {
    readonly admission?: Admission;
    readonly protocol?: Protocol;
    readonly filters?: FilterFactories;
    readonly explainsDenials?: boolean;
    readonly gatewayIdentities?: readonly string[];
    /** A TelemetryPolicy wants the lines, and the mesh does not. */
    readonly isLoggedByPolicy?: boolean;
  } = {},
): Promise<GuardedServer & { readonly endpoint: Awaited<ReturnType<TestMesh["server"]>>["endpoint"] }> {
  const { protocol = Protocol.HTTP } = options;
  const ofMesh = create(MeshSchema, {
    ...mesh.mesh,
    accessLog: options.isLoggedByPolicy !== true,
    explainDenials: options.explainsDenials === true,
    gatewayIdentities: [...(options.gatewayIdentities ?? [])],
  });
  const configuration = (admission: Admission | undefined) => ({
    mesh: ofMesh,
    addresses: ["127.0.0.1"],
    inbound: create(InboundSchema, {
      workload: "default/echo-1",
      identity: mesh.authority.identity("echo"),
      admissions: admission === undefined ? [] : [admission],
      ...(options.isLoggedByPolicy === true && { telemetry: { accessLog: { enabled: true } } }),
      ports: [{ port, protocol, services: ["default/echo"], admission: admission === undefined ? 0 : 1 }],
    }),
  });
  const agent = mesh.agent("echo", configuration(options.admission));
  const proxy = await mesh.run(mesh.bootstrap("echo-1", "echo"), agent, {
    ...(options.filters && { filters: options.filters }),
  });
  return {
    proxy,
    agent,
    endpoint: mesh.endpointOf("echo-1", port, proxy),
    ask: (admission) => agent.configure(configuration(admission)),
  };
}
