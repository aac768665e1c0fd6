/** What people do with single objects every day: read, create, change, delete, wait. */
import { fails, given, ok, refused, type Scenario } from "../scenario.ts";

const service = (name: string, ports = "[{name: http, port: 80}, {name: admin, port: 81}]"): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, labels: {app: ${name}, tier: front}}
spec:
  selector: {app: ${name}}
  ports: ${ports}
`;
const route = (name: string, more = ""): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  parentRefs: [{group: "", kind: Service, name: web, port: 80}]
  rules: [{backendRefs: [{name: web, port: 80}]${more}}]
`;
const configMap = (name: string, data = "{a: one}"): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, labels: {set: ${name}}}
data: ${data}
`;

export const objectScenarios: readonly Scenario[] = [
  {
    name: "create makes every kind that kubectl has a verb for",
    calls: [
      ok("create configmap settings --from-literal=a=1 --from-literal=b=2", "configmap/settings created"),
      fails("create configmap settings", "exists already"),
      ok("get configmap settings -o jsonpath={.data.a}{.data.b}", /^12$/),
      ok("create secret generic key --from-literal=password=hush", "secret/key created"),
      ok("get secret key -o jsonpath={.data.password}", /^aHVzaA==$/),
      ok("get secret --field-selector type=Opaque -o name", /^secret\/key$/m),
      ok("create serviceaccount bot", "serviceaccount/bot created"),
      ok("create token bot", /^weft-join-/),
      fails("create token nobody", "does not exist"),
      ok("create service clusterip plain --tcp=80:8080", "service/plain created"),
      ok(
        "get service plain -o jsonpath={.spec.ports[0].targetPort}/{.spec.ports[0].name}",
        /^8080\/80-8080$/,
      ),
      ok("create service nodeport node --tcp=80:http", "service/node created"),
      ok("get service node -o jsonpath={.spec.type}/{.spec.ports[0].targetPort}", /^NodePort\/http$/),
      ok("create service externalname outside --external-name=api.example.com", "service/outside created"),
      ok("get service outside -o jsonpath={.spec.externalName}", /^api\.example\.com$/),
      ok("expose service plain --name=second --port=90", "service/second exposed"),
      ok("set selector service second app=other", "service/second selector updated"),
      ok("get service second -o jsonpath={.spec.selector}", '{"app":"other"}'),
      ok("create configmap tried --dry-run=server -o yaml", ["name: tried", "uid: "]),
      fails("get configmap tried", "NotFound"),
      ok("create configmap tried --dry-run=client -o name", "configmap/tried"),
      ok(["create", "-f", "-", "-o", "name"], /^configmap\/job-[a-z0-9]{5}$/m, {
        stdin: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"job-"}}',
      }),
    ],
  },
  {
    name: "get shows objects in every form",
    calls: [
      given("apply", service("web"), "service/web created"),
      given("apply", route("front"), "httproute.gateway.networking.k8s.io/front created"),
      given("apply", configMap("one"), "configmap/one created"),
      ok("get service", [
        /^NAME +TYPE +CLUSTER-IP +PORT\(S\) +AGE$/m,
        /^web +ClusterIP .* 80\/http,81\/admin +\d+s$/m,
      ]),
      ok("get service -o wide", [/SELECTOR/, /app=web/]),
      ok("get svc web --no-headers", /^web /),
      ok("get service -L app,tier", [/APP +TIER/, /web +front/]),
      ok("get service --show-labels", "app=web,tier=front"),
      ok("get all", /^service\/web|^web /m),
      ok("get service,httproute,configmap -o name", [
        "service/web",
        "httproute.gateway.networking.k8s.io/front",
        "configmap/one",
      ]),
      ok("get httproute front -o yaml", ["kind: HTTPRoute", "apiVersion: gateway.networking.k8s.io/v1"]),
      ok("get httproute front -o json", '"kind": "HTTPRoute"'),
      ok(
        "get httproutes.v1beta1.gateway.networking.k8s.io front -o jsonpath={.apiVersion}",
        "networking.k8s.io/v1beta1",
      ),
      ok("get service -o custom-columns=N:.metadata.name,P:.spec.ports[*].port", /web +80,81/),
      ok(["get", "service", "-o", "go-template={{range .items}}{{.metadata.name}};{{end}}"], "web;"),
      ok("get services --sort-by=.metadata.name -o name", "service/web"),
      ok("get service -l app=web,tier!=back -o name", "service/web"),
      ok(["get", "service", "-l", "tier in (front,middle),!gone", "-o", "name"], "service/web"),
      ok("get service -l app=other", [], { err: ["No resources found"] }),
      ok("get service --field-selector metadata.name=web,spec.type=ClusterIP -o name", "service/web"),
      ok("get service --field-selector metadata.name!=web", [], { err: ["No resources found"] }),
      fails("get service --field-selector spec.color=red", ["BadRequest", "spec.color=red"]),
      ok("get namespaces --field-selector metadata.name=default -o name", /^namespace\/default$/m),
      ok("get service -A --no-headers", /web /),
      ok("get configmap one --show-managed-fields -o yaml", ["manager: kubectl-client-side-apply", "f:data"]),
      fails("get configmap nothing", "Error from server (NotFound): ConfigMap"),
      ok("get configmap nothing --ignore-not-found", /^$/),
      fails("get pods", `the server doesn't have a resource type "pods"`),
      ok("get configmap --chunk-size=1 -o name", "configmap/one"),
    ],
  },
  {
    name: "describe reads without events",
    calls: [
      given("apply", service("web")),
      given("apply", route("front")),
      ok("create configmap one --from-literal=a=1"),
      ok("create secret generic key --from-literal=a=1"),
      ok("describe service web", ["Name:", "Selector:", "app=web", /Port: +http +80\/TCP/]),
      ok("describe httproute front", [
        "API Version:",
        "gateway.networking.k8s.io/v1",
        "Backend Refs:",
        "Events:",
      ]),
      ok("describe configmap one", ["Data", "a:"]),
      ok("describe secret key", "a:  1 bytes"),
      ok("describe namespace default", /Name: +default/),
      ok("describe service", /Name: +web/),
      ok("events", [], { err: ["No events found"] }),
    ],
  },
  {
    name: "patch, label, annotate and edit change what they name",
    calls: [
      given("apply", configMap("one", "{a: one, b: two}")),
      given("apply", service("web")),
      ok(["patch", "configmap", "one", "-p", '{"data":{"a":"1"}}'], "configmap/one patched"),
      ok(["patch", "configmap", "one", "--type=merge", "-p", '{"data":{"b":null}}'], "patched"),
      ok("get configmap one -o jsonpath={.data}", /^\{"a":"1"\}$/),
      ok(
        [
          "patch",
          "configmap",
          "one",
          "--type=json",
          "-p",
          '[{"op":"test","path":"/data/a","value":"1"},{"op":"add","path":"/data/c","value":"3"}]',
        ],
        "patched",
      ),
      fails(
        ["patch", "configmap", "one", "--type=json", "-p", '[{"op":"test","path":"/data/a","value":"9"}]'],
        "has another value",
      ),
      fails(
        ["patch", "configmap", "one", "--type=json", "-p", '[{"op":"remove","path":"/data/zz"}]'],
        "there is no /data/zz",
      ),
      ok(["patch", "service", "web", "-p", '{"spec":{"ports":[{"port":81,"name":"ops"}]}}'], "patched"),
      ok("get service web -o jsonpath={.spec.ports[*].name}", /^http ops$/),
      ok(["patch", "service", "web", "-p", '{"spec":{"ports":[{"port":81,"$patch":"delete"}]}}'], "patched"),
      ok("get service web -o jsonpath={.spec.ports[*].name}", /^http$/),
      ok(
        [
          "patch",
          "service",
          "web",
          "--type=merge",
          "--dry-run=server",
          "-p",
          '{"spec":{"selector":{"app":"dry"}}}',
          "-o",
          "jsonpath={.spec.selector.app}",
        ],
        /^dry$/,
      ),
      ok("get service web -o jsonpath={.spec.selector.app}", /^web$/),
      ok(
        [
          "patch",
          "service",
          "web",
          "--subresource=status",
          "--type=merge",
          "-p",
          '{"status":{"conditions":[]}}',
        ],
        "patched",
      ),
      fails(
        ["patch", "service", "web", "-p", '{"spec":{"colour":"red"}}'],
        ["The Service", "spec.colour: unknown field"],
      ),
      ok("label configmap one stage=live", "configmap/one labeled"),
      fails("label configmap one stage=old", "--overwrite is false"),
      ok("label configmap one stage=old --overwrite", "labeled"),
      ok("label configmap one stage-", "unlabeled"),
      ok("annotate configmap one note=yes", "annotated"),
      ok("annotate configmap one note-", "annotated"),
      ok("edit configmap one", "configmap/one edited", {
        env: { KUBE_EDITOR: "sed -i s/c:.*/c:\\ edited/" },
      }),
      ok("get configmap one -o jsonpath={.data.c}", /^edited$/),
      ok("edit configmap one", [], { env: { KUBE_EDITOR: "true" }, err: ["no changes made"] }),
      given("replace", configMap("one", "{z: last}"), "configmap/one replaced"),
      ok("get configmap one -o jsonpath={.data}", /^\{"z":"last"\}$/),
      given("replace --force", configMap("one", "{y: new}"), "configmap/one replaced"),
      refused("replace", configMap("missing"), "NotFound"),
      refused(
        "replace",
        configMap("one").replace("name: one,", 'name: one, resourceVersion: "1",'),
        "Conflict",
      ),
    ],
  },
  {
    name: "delete takes what it is told to and nothing else",
    calls: [
      ...["one", "two", "three", "four"].map((name) => given("create", configMap(name))),
      ok("delete configmap one", 'configmap "one" deleted'),
      fails("delete configmap one", "NotFound"),
      ok("delete configmap one --ignore-not-found"),
      ok("delete configmap two --dry-run=server", "deleted (server dry run)"),
      ok("get configmap two -o name", "configmap/two"),
      ok("delete configmap -l set=two", 'configmap "two" deleted'),
      ok("delete configmap three --cascade=foreground --grace-period=0 --force", "deleted"),
      given("delete", configMap("four"), "deleted"),
      given("create", configMap("five")),
      // Whichever of the two is first: it ends well, and at once.
      ok("wait --for=delete configmap/five --timeout=20s", [], { isBackground: true }),
      ok("delete configmap --all", "five"),
      ok("get configmap", [], { err: ["No resources found"] }),
      fails("delete namespace default", ["Forbidden", "belongs to the mesh"]),
    ],
  },
  {
    name: "wait waits for conditions and values",
    calls: [
      given("apply", service("web")),
      given(
        "apply",
        `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: waited}
spec: {controllerName: weft.dev/gateway-controller}
`,
        "created",
      ),
      ok("wait --for=condition=Accepted gatewayclass/waited --timeout=20s", "condition met"),
      ok("wait --for=jsonpath={.spec.type}=ClusterIP service/web --timeout=20s", "condition met"),
      fails("wait --for=condition=Never gatewayclass/waited --timeout=1s", "timed out"),
      given("apply", route("front")),
      ok(
        [
          "wait",
          '--for=jsonpath={.status.parents[0].conditions[?(@.type=="Accepted")].status}=True',
          "httproute/front",
          "--timeout=20s",
        ],
        "condition met",
      ),
      ok("wait --for=create service/web --timeout=5s", "condition met"),
      ok("delete gatewayclass waited", "deleted"),
      ok("get service -w --request-timeout=1s", /^web /m, { err: [] }),
    ],
  },
];
