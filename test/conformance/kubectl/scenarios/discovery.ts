/** What kubectl finds out before it does anything: what there is, what fields mean, who one is and what one may. */
import { fails, given, ok, type Scenario } from "../scenario.ts";

export const discoveryScenarios: readonly Scenario[] = [
  {
    name: "discovery and explanation",
    calls: [
      ok("version", [/Client Version: v1\.3/, "Server Version: v1.32.0+weft-0.0.0"]),
      ok("version -o json", '"major": "1"'),
      ok("cluster-info", "is running at"),
      ok("api-versions", [
        "gateway.networking.k8s.io/v1",
        "weft.dev/v1alpha1",
        "rbac.authorization.k8s.io/v1",
      ]),
      ok("api-resources", [/^httproutes .* HTTPRoute$/m, /^trafficpolicies +tp .* TrafficPolicy$/m]),
      ok("api-resources --api-group=weft.dev -o name", "meshworkloads.weft.dev"),
      ok("api-resources --namespaced=false -o name", ["namespaces", "meshconfigs.weft.dev"]),
      ok("api-resources --categories=gateway-api -o name", "grpcroutes.gateway.networking.k8s.io"),
      ok("api-resources --verbs=deletecollection -o name", "services"),
      ok("explain httproute.spec.rules.matches", ["KIND:       HTTPRoute", "FIELD: matches", "queryParams"]),
      ok("explain service.spec.ports --recursive", ["targetPort", "protocol"]),
      ok("explain trafficpolicy", "GROUP:      weft.dev"),
      ok("explain meshworkload.spec.addresses", "<[]string>"),
      ok("explain --api-version=gateway.networking.k8s.io/v1beta1 httproute", "VERSION:    v1beta1"),
      ok("explain service -o plaintext-openapiv2", [], { code: 1 }),
      fails("explain service.spec.nothing", "does not exist"),
      ok("get --raw /readyz", "ok"),
      ok("get --raw /version", '"gitVersion":"v1.32.0+weft'),
      ok("get --raw /openapi/v3", "apis/gateway.networking.k8s.io/v1"),
      ok("get --raw /apis/weft.dev/v1alpha1", '"APIResourceList"'),
      fails("get --raw /apis/weft.dev/v9", "NotFound"),
      ok("get --raw /api/v1/namespaces?limit=1", ['"continue":"', '"remainingItemCount":']),
      fails("get --raw /api/v1/namespaces?continue=bogus", "continue is no token"),
      fails("get --raw /api/v1/namespaces?resourceVersion=99999999", "Too large resource version"),
      fails("get --raw /api/v1/namespaces?resourceVersion=1&resourceVersionMatch=Exact", "no longer kept"),
    ],
  },
  {
    name: "rights are asked for and given",
    calls: [
      ok("auth whoami", [/Username +weft:admin/, "system:masters"]),
      ok("auth whoami -o jsonpath={.status.userInfo.username}", /^weft:admin$/),
      ok("auth can-i create httproutes", /^yes$/m),
      ok("auth can-i --list", /\*\.\* /),
      ok(
        "create role reader --verb=get,list --resource=services,httproutes.gateway.networking.k8s.io",
        "created",
      ),
      ok(
        "create rolebinding reader --role=reader --user=ann",
        "rolebinding.rbac.authorization.k8s.io/reader created",
      ),
      ok("auth can-i list services --as=ann", /^yes$/m),
      ok("auth can-i delete services --as=ann", /^no/m, { code: 1 }),
      ok("auth can-i --list --as=ann", ["services", "[get list]"]),
      ok("get services --as=ann", [], { err: ["No resources found"] }),
      ok("create service clusterip guarded --tcp=80"),
      fails("delete services --all --as=ann", ["Forbidden", "delete"]),
      fails("create configmap x --as=ann", "ann may not create configmaps"),
      fails("get secrets --as=ann", ["Forbidden", "secrets"]),
      ok(
        "create clusterrole wide --verb=get --resource=namespaces --dry-run=server -o name",
        "clusterrole.rbac.authorization.k8s.io/wide",
      ),
      ok(
        "create clusterrole all --aggregation-rule=kind=all --dry-run=server -o jsonpath={.aggregationRule}",
        "matchLabels",
      ),
      ok(
        "create clusterrolebinding wide --clusterrole=view --user=bea --dry-run=server -o jsonpath={.subjects[0].name}",
        /^bea$/,
      ),
      given(
        "auth reconcile",
        `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: rights-are-asked-for-and-given}
rules: [{apiGroups: [""], resources: [services], verbs: [get, list, watch]}]
`,
        "reconciled",
      ),
      fails("apply --server-side -f - --as=ann", "Forbidden", {
        stdin: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
      }),
    ],
  },
];
