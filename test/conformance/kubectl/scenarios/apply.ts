/** Declaring what shall be: client-side and server-side apply, differences, and what is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fails, given, ok, refused, type Scenario } from "../scenario.ts";

const configMap = (data: string, labels = ""): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: owned, labels: {${labels}}}
data: ${data}
`;
const service = (ports: string): string => `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: ${ports}}
`;

export const applyScenarios: readonly Scenario[] = [
  {
    name: "client-side apply merges three ways",
    calls: [
      given("apply", configMap("{a: one, b: two}"), "configmap/owned created"),
      given("apply", configMap("{a: one, b: two}"), "configmap/owned unchanged"),
      ok(["patch", "configmap", "owned", "--type=merge", "-p", '{"data":{"foreign":"kept"}}']),
      given("apply", configMap("{a: uno}"), "configmap/owned configured"),
      ok("get configmap owned -o jsonpath={.data}", /^\{"a":"uno","foreign":"kept"\}$/),
      given("apply", service("[{name: http, port: 80}, {name: more, port: 81}]"), "created"),
      given("apply", service("[{name: http, port: 80, targetPort: 8080}]"), "configured"),
      ok("get service web -o jsonpath={.spec.ports[*].name}:{.spec.ports[0].targetPort}", /^http:8080$/),
      ok("apply view-last-applied service web -o json", '"targetPort": 8080'),
      given("diff", service("[{name: http, port: 80, targetPort: 8080}]"), /^$/),
      ok("diff -f -", [/^-.*targetPort: 8080/m, /^\+.*targetPort: 9090/m], {
        stdin: service("[{name: http, port: 80, targetPort: 9090}]"),
        code: 1,
      }),
      ok("get service web -o jsonpath={.spec.ports[0].targetPort}", /^8080$/),
      ok("apply --dry-run=server -f -", "configured (server dry run)", {
        stdin: service("[{name: http, port: 80, targetPort: 9090}]"),
      }),
      ok("get service web -o jsonpath={.spec.ports[0].targetPort}", /^8080$/),
      ok("apply --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap -f -", "created", {
        stdin: configMap("{}", "set: pruned").replace("owned", "kept"),
      }),
      ok(
        "apply --prune -l set=pruned --prune-allowlist=core/v1/ConfigMap -f -",
        ["other created", "kept pruned"],
        {
          stdin: configMap("{}", "set: pruned").replace("owned", "other"),
        },
      ),
    ],
  },
  {
    name: "server-side apply knows whose fields are whose",
    calls: [
      given("apply --server-side", configMap("{a: one, b: two}"), "configmap/owned serverside-applied"),
      ok("get configmap owned -o jsonpath={.metadata.resourceVersion}", /^\d+$/),
      given("apply --server-side", configMap("{a: one, b: two}"), "serverside-applied"),
      ok("get configmap owned -o jsonpath={.metadata.generation}", /^1$/),
      refused("apply --server-side --field-manager=other", configMap("{a: uno}"), [
        "Apply failed with 1 conflict",
        'conflict with "kubectl" using v1: .data.a',
      ]),
      given("apply --server-side --field-manager=other", configMap("{a: one, c: three}"), "applied"),
      given("apply --server-side", configMap("{b: two}"), "applied"),
      ok("get configmap owned -o jsonpath={.data}", /^\{"a":"one","b":"two","c":"three"\}$/),
      given("apply --server-side --field-manager=other", configMap("{c: three}"), "applied"),
      ok("get configmap owned -o jsonpath={.data}", /^\{"b":"two","c":"three"\}$/),
      given(
        "apply --server-side --field-manager=other --force-conflicts",
        configMap("{b: zwei, c: three}"),
        "applied",
      ),
      ok("get configmap owned -o jsonpath={.data.b}", /^zwei$/),
      refused("apply --server-side", configMap("{b: two}"), 'conflict with "other"'),
      ok("get configmap owned -o yaml --show-managed-fields", [
        "manager: other",
        "operation: Apply",
        "f:b: {}",
      ]),
      ok("apply --server-side --field-manager=third --dry-run=server -f - -o jsonpath={.data.d}", /^four$/, {
        stdin: configMap("{d: four}"),
      }),
      ok("get configmap owned -o jsonpath={.data.d}", /^$/),
      given("apply --server-side", service("[{name: http, port: 80}]"), "applied"),
      given("apply --server-side --field-manager=other", service("[{name: more, port: 81}]"), "applied"),
      ok("get service web -o jsonpath={.spec.ports[*].port}", /^80 81$/),
      given("apply", configMap("{e: five}").replace("owned", "moved"), "created"),
      given("apply --server-side", configMap("{e: five}").replace("owned", "moved"), "serverside-applied"),
      given("apply --server-side", configMap("{f: six}").replace("owned", "moved"), "serverside-applied"),
      ok("get configmap moved -o jsonpath={.data}", /^\{"f":"six"\}$/),
    ],
  },
  {
    name: "what is wrong is refused with its place",
    calls: [
      refused("apply", configMap("{a: 1}"), ["The ConfigMap", "data.a: must be text"]),
      refused(
        "create",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndota: {}\n",
        "dota: unknown field; did you mean data?",
      ),
      ok("create --validate=warn -f -", "configmap/x created", {
        stdin: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndota: {}\n",
        err: ['Warning: unknown field "dota"'],
      }),
      ok("create --validate=ignore -f -", "configmap/z created", {
        stdin: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z}\ndota: {}\n",
      }),
      refused("apply", service("[{port: 99999}]"), "spec.ports[0].port: must be 65535 or less"),
      refused(
        "apply",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n",
        'no matches for kind "Deployment" in version "apps/v1"',
      ),
      refused("apply", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: BAD_NAME}\n", "metadata.name"),
      refused(
        "apply",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: nowhere}\n",
        "does not match the namespace",
      ),
      fails("create configmap here -n nowhere", "namespace nowhere does not exist"),
      fails(
        ["create", "--raw", "/api/v1/namespaces/default/configmaps", "-f", "-"],
        "the key stands there twice",
        {
          stdin: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"},"data":{"a":"1","a":"2"}}',
        },
      ),
      ok("create -f -", "configmap/old created", {
        stdin: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n",
      }),
      ok("apply -f -", "created", {
        stdin: `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: HTTPRoute
metadata: {name: older}
spec: {parentRefs: [{name: gw}]}
`,
        err: ["Warning: gateway.networking.k8s.io/v1beta1 HTTPRoute is an older version"],
      }),
    ],
  },
  {
    name: "kustomize and Helm output is taken unchanged",
    calls: [
      ok("apply -k kustomize/overlay", [
        "service/live-cart created",
        "httproute.gateway.networking.k8s.io/live-cart created",
        "trafficpolicy.weft.dev/live-cart created",
      ]),
      ok("apply -k kustomize/overlay", "service/live-cart unchanged"),
      ok("get httproute live-cart -o jsonpath={.spec.rules[0].timeouts.request}", /^2s$/),
      ok("diff -k kustomize/overlay", /^$/),
      ok("delete -k kustomize/overlay", ["deleted"]),
      // All but the Deployment, of which kubectl says that there is no such kind.
      ok(
        "apply -f helm-output.txt",
        [
          "serviceaccount/one-shop created",
          "configmap/one-shop created",
          "service/one-shop created",
          "httproute.gateway.networking.k8s.io/one-shop created",
        ],
        {
          code: 1,
          err: ['no matches for kind "Deployment"'],
        },
      ),
      given("apply", helmWithoutDeployment(), [
        "serviceaccount/one-shop unchanged",
        "service/one-shop unchanged",
      ]),
      ok("get service,httproute -l app.kubernetes.io/instance=one -o name", [
        "service/one-shop",
        "httproute.gateway.networking.k8s.io/one-shop",
      ]),
    ],
  },
];

function helmWithoutDeployment(): string {
  const text = readFileSync(join(import.meta.dir, "..", "helm-output.txt"), "utf8");
  return text
    .split(/^---$/m)
    .filter((document) => !document.includes("kind: Deployment"))
    .join("---");
}
