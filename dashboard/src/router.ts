/** Which page a path names, and how links move between pages without loading anything. */
import { useEffect, useState } from "preact/hooks";

export type Route =
  | { readonly page: "overview" | "topology" | "services" | "requests" | "routes" | "policies" | "explain" }
  | { readonly page: "certificates" | "proxies" | "changes" | "nowhere" }
  | { readonly page: "service"; readonly namespace: string; readonly name: string }
  | { readonly page: "request"; readonly id: string }
  | { readonly page: "resource"; readonly kind: string; readonly namespace: string; readonly name: string };

const flat = [
  "topology",
  "services",
  "requests",
  "explain",
  "routes",
  "policies",
  "certificates",
  "proxies",
  "changes",
] as const;

export function parseRoute(path: string): Route {
  const [first = "", ...rest] = path.split("/").slice(1).map(decode);
  const [a = "", b = "", c = ""] = rest;
  if (first === "" && rest.length === 0) return { page: "overview" };
  const page = flat.find((each) => each === first);
  if (page !== undefined && rest.length === 0) return { page };
  if (page === "services" && rest.length === 2) return { page: "service", namespace: a, name: b };
  if (page === "requests" && rest.length === 1 && a !== "") return { page: "request", id: a };
  if ((page === "routes" || page === "policies") && rest.length === 3) {
    return { page: "resource", kind: a, namespace: b, name: c };
  }
  return { page: "nowhere" };
}

export function pathOf(...segments: readonly string[]): string {
  return `/${segments.map(encodeURIComponent).join("/")}`;
}

/** Of `namespace/name`, as documents name services. */
export function servicePath(id: string): string {
  const slash = id.indexOf("/");
  return pathOf("services", id.slice(0, slash), id.slice(slash + 1));
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const moved = "weft-moved";

/** `replace`: going back skips the page that is left. */
export function navigate(path: string, { replace = false }: { replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  dispatchEvent(new Event(moved));
}

export function useLocation(): { readonly path: string; readonly query: URLSearchParams } {
  const [href, setHref] = useState(location.pathname + location.search);
  useEffect(() => {
    const read = (): void => setHref(location.pathname + location.search);
    addEventListener("popstate", read);
    addEventListener(moved, read);
    return () => {
      removeEventListener("popstate", read);
      removeEventListener(moved, read);
    };
  }, []);
  const [path = "/", search = ""] = href.split("?", 2);
  return { path, query: new URLSearchParams(search) };
}

/** Links of ours, clicked plainly, change the page in place. */
export function followLinks(event: MouseEvent): void {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  const href = link?.getAttribute("href") ?? "";
  if (!href.startsWith("/") || href.startsWith("/auth/") || link?.hasAttribute("target") === true) return;
  event.preventDefault();
  navigate(href);
  scrollTo(0, 0);
}
