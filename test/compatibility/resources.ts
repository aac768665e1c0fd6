/** What the meshes of older builds run. */
import { gatewayTo, httpPort } from "../e2e/harness/resources.ts";

export function resources(webPort: number, gatewayPort: number): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: {
        selector: { app: "web" },
        ports: [{ port: httpPort, targetPort: webPort, appProtocol: "http" }],
      },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "gateway", namespace: "weft-system" } },
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "AuthorizationPolicy",
      metadata: { name: "no-secrets", namespace: "default" },
      spec: {
        selector: { matchLabels: { app: "web" } },
        action: "Deny",
        rules: [{ to: [{ paths: ["/secret"] }] }],
      },
    },
    ...gatewayTo({ web: 1 }, gatewayPort),
  ];
}
