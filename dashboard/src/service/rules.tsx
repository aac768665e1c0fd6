/** Routes and policies that apply to a service, with how often each was used in the window. */
import type { PolicyView, RouteView } from "../api/documents.ts";
import { formatCount } from "../format/figures.ts";
import { Name } from "../parts/names.tsx";
import { Empty } from "../parts/states.tsx";
import { StatusMark } from "../parts/status.tsx";
import { pathOf } from "../router.ts";

export function AppliedRoutes({ routes }: { readonly routes: readonly RouteView[] }) {
  if (routes.length === 0) {
    return (
      <Empty title="No route" icon="route">
        <p>Requests go to every endpoint alike. An HTTPRoute splits, retries, mirrors or rewrites them.</p>
      </Empty>
    );
  }
  return (
    <ul class="rules">
      {routes.map((route) => (
        <li key={`${route.kind} ${route.namespace}/${route.name}`}>
          <p class="rule-head">
            <a href={pathOf("routes", route.kind, route.namespace, route.name)}>
              <Name text={route.name} />
            </a>
            <span class="quiet">{route.kind}</span>
            <span class="hits">{hitText(route.hits)}</span>
          </p>
          <ol class="rule-lines">
            {route.rules.map((rule, index) => (
              <li key={`${index} ${rule.name}`}>
                <Name text={rule.name === "" ? `rule ${index + 1}` : rule.name} />
                <Bar share={route.hits === 0 ? 0 : rule.hits / route.hits} />
                <span class="hits">{hitText(rule.hits)}</span>
              </li>
            ))}
          </ol>
        </li>
      ))}
    </ul>
  );
}

export function AppliedPolicies({ policies }: { readonly policies: readonly PolicyView[] }) {
  if (policies.length === 0) {
    return (
      <Empty title="No policy of its own" icon="shield">
        <p>The mesh's defaults hold: mutual TLS, and what MeshConfig says.</p>
      </Empty>
    );
  }
  return (
    <ul class="rules">
      {policies.map((policy) => (
        <li key={`${policy.kind} ${policy.namespace}/${policy.name}`}>
          <p class="rule-head">
            <StatusMark
              level={policy.accepted ? "ok" : "bad"}
              label={policy.accepted ? "accepted" : "not accepted"}
            />
            <a href={pathOf("policies", policy.kind, policy.namespace, policy.name)}>
              <Name text={policy.name} />
            </a>
            <span class="quiet">{policy.kind}</span>
            <span class="hits">{hitText(policy.hits)}</span>
          </p>
          <p class="quiet">
            <bdi>{policy.message === "" ? `for ${policy.target}` : policy.message}</bdi>
          </p>
        </li>
      ))}
    </ul>
  );
}

function Bar({ share }: { readonly share: number }) {
  return (
    <svg class="bar-share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bar-all" width="100" height="6" rx="3" />
      <rect class="bar-part" width={Math.min(100, share * 100)} height="6" rx="3" />
    </svg>
  );
}

function hitText(hits: number): string {
  return hits === 0 ? "not used" : `${formatCount(hits)} hit${hits === 1 ? "" : "s"}`;
}
