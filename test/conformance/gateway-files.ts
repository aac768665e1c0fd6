/** A gateway's files: a plain and a TLS listener, and behind them applications, each under a path of its own. */
import { makeRoot } from "../../src/net/testdata/certificates.ts";
import { yaml } from "../e2e/harness/resources.ts";

export interface Backend {
  readonly name: string;
  /** Prefix of what goes to it. */
  readonly path: string;
  readonly appProtocol: string;
  /** On 127.0.0.1. */
  readonly port: number;
}

const servicePort = 80;
const secret = "gateway-certificate";
const gateway = "conformance";
const gatewayApi = "gateway.networking.k8s.io/v1";

export function gatewayFiles(
  ports: { readonly plain: number; readonly tls: number },
  backends: readonly Backend[],
): string {
  return yaml(
    {
      apiVersion: gatewayApi,
      kind: "Gateway",
      metadata: { name: gateway },
      spec: {
        gatewayClassName: "weft",
        listeners: [
          { name: "plain", port: ports.plain, protocol: "HTTP" },
          {
            name: "tls",
            port: ports.tls,
            protocol: "HTTPS",
            tls: { mode: "Terminate", certificateRefs: [{ name: secret }] },
          },
        ],
      },
    },
    certificateSecret(),
    backends.flatMap(backendObjects),
  );
}

function backendObjects({ name, path, appProtocol, port }: Backend): object[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ port: servicePort, appProtocol }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["127.0.0.1"] }],
      ports: [{ port }],
    },
    {
      apiVersion: gatewayApi,
      kind: "HTTPRoute",
      metadata: { name },
      spec: {
        parentRefs: [{ name: gateway }],
        rules: [
          {
            matches: [{ path: { type: "PathPrefix", value: path } }],
            backendRefs: [{ name, port: servicePort }],
          },
        ],
      },
    },
  ];
}

function certificateSecret(): object {
  const { certChainPem, privateKeyPem } = makeRoot("conformance").issue({ dns: "localhost" });
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: secret },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": certChainPem, "tls.key": privateKeyPem },
  };
}
