/** Which component shows which page. */
import { CertificatesPage } from "./pages/certificates-page.tsx";
import { ChangesPage } from "./pages/changes-page.tsx";
import { ExplainPage } from "./pages/explain-page.tsx";
import { NowherePage } from "./pages/nowhere-page.tsx";
import { OverviewPage } from "./pages/overview-page.tsx";
import { ProxiesPage } from "./pages/proxies-page.tsx";
import { RequestPage } from "./pages/request-page.tsx";
import { RequestsPage } from "./pages/requests-page.tsx";
import { ResourcePage } from "./pages/resource-page.tsx";
import { ResourcesPage } from "./pages/resources-page.tsx";
import { ServicePage } from "./pages/service-page.tsx";
import { ServicesPage } from "./pages/services-page.tsx";
import { TopologyPage } from "./pages/topology-page.tsx";
import type { Route } from "./router.ts";

export function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case "overview":
      return <OverviewPage />;
    case "topology":
      return <TopologyPage />;
    case "services":
      return <ServicesPage />;
    case "service":
      return <ServicePage namespace={route.namespace} name={route.name} />;
    case "requests":
      return <RequestsPage />;
    case "request":
      return <RequestPage id={route.id} />;
    case "explain":
      return <ExplainPage />;
    case "routes":
    case "policies":
      return <ResourcesPage family={route.page} />;
    case "resource":
      return <ResourcePage kind={route.kind} namespace={route.namespace} name={route.name} />;
    case "certificates":
      return <CertificatesPage />;
    case "proxies":
      return <ProxiesPage />;
    case "changes":
      return <ChangesPage />;
    case "nowhere":
      return <NowherePage />;
  }
}
