/** What a Prometheus asks of the control plane: which proxies there are, and the metrics of those that it cannot reach itself. */
import type { PrometheusTargets } from "../api/index.ts";
import type { ScrapeProviders } from "../apiserver/index.ts";
import { errorLine, parseSpiffeId, WeftError } from "../kernel/index.ts";
import type { ProxyDirectory, ScrapedProxy } from "./proxy-directory.ts";

const relayPath = "/apis/weft.dev/v1alpha1/prometheus/proxies";
/** A Prometheus spreads its scrapes over its interval, so few of them come together. */
const maxRelays = 16;
/** Prometheus' own default; it tells what it really waits. */
const defaultTimeoutMs = 10_000;
const maxTimeoutMs = 60_000;
/** More than a proxy with all the series that it may have writes. With `maxRelays`, what hostile ones could take of our memory. */
const maxPageBytes = 32 * 1024 * 1024;
const metricsTypes = ["text/plain", "application/openmetrics-text"];

export class Scrapes implements ScrapeProviders {
  readonly #directory: Pick<ProxyDirectory, "scraped" | "scrapedOf">;
  #relays = 0;

  constructor(directory: Pick<ProxyDirectory, "scraped" | "scrapedOf">) {
    this.#directory = directory;
  }

  targets(via: URL | undefined): PrometheusTargets {
    return this.#directory.scraped().map((proxy) => ({
      targets: [via === undefined ? placeText(proxy) : via.host],
      labels: { ...labelsOf(proxy), ...(via === undefined ? {} : relayLabels(proxy, via)) },
    }));
  }

  /**
   * Where it asks is the proxy's own word. So nothing is taken there but a page of metrics: no credentials, no redirect, no other type.
   */
  async relay(workload: string, headers: Headers): Promise<Response> {
    const proxy = this.#directory.scrapedOf(workload);
    if (proxy === undefined) {
      throw new WeftError("not_found", `no proxy ${workload.slice(0, 512)} says where its metrics are`, {
        hint: "weft status lists the proxies",
      });
    }
    if (this.#relays >= maxRelays) {
      throw new WeftError("exhausted", `${maxRelays} proxies are scraped through the control plane already`, {
        hint: "scrape the proxies themselves (via=proxy) where Prometheus can reach them",
      });
    }
    this.#relays++;
    try {
      return await fetchPage(proxy, headers);
    } finally {
      this.#relays--;
    }
  }
}

async function fetchPage(proxy: ScrapedProxy, headers: Headers): Promise<Response> {
  const place = placeText(proxy);
  try {
    const answer = await fetch(`http://${place}/metrics`, {
      headers: { accept: headers.get("accept") ?? "*/*", "accept-encoding": "identity" },
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutOf(headers)),
    });
    const type = answer.headers.get("content-type") ?? "";
    if (answer.status !== 200 || !metricsTypes.some((each) => type.startsWith(each))) {
      await answer.body?.cancel();
      throw new WeftError("unavailable", `${proxy.workload} answered at ${place} with no page of metrics`);
    }
    return new Response(await boundedText(answer, proxy), { headers: { "content-type": type } });
  } catch (cause) {
    if (cause instanceof WeftError) throw cause;
    const isLate = cause instanceof DOMException && cause.name === "TimeoutError";
    throw new WeftError(
      isLate ? "timeout" : "unreachable",
      `the metrics of ${proxy.workload} at ${place} cannot be read: ${errorLine(cause)}`,
      { cause, hint: `weft status tells whether ${proxy.workload} is connected` },
    );
  }
}

/** Whole: a page that breaks off would be taken for a smaller one. */
async function boundedText(answer: Response, { workload }: ScrapedProxy): Promise<Blob> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    length += chunk.length;
    if (length > maxPageBytes) {
      throw new WeftError("exhausted", `${workload} has more than ${maxPageBytes} bytes of metrics`);
    }
    chunks.push(chunk);
  }
  return new Blob(chunks);
}

function timeoutOf(headers: Headers): number {
  const seconds = Number(headers.get("x-prometheus-scrape-timeout-seconds"));
  return seconds > 0 ? Math.min(seconds * 1_000, maxTimeoutMs) : defaultTimeoutMs;
}

/** `instance` is the same whichever way it is scraped. */
function labelsOf({ workload, role, identity, version }: ScrapedProxy): Record<string, string> {
  const id = parseSpiffeId(identity);
  return {
    instance: workload,
    workload,
    namespace: workload.slice(0, workload.indexOf("/")),
    service_account: id?.serviceAccount ?? "",
    role,
    version,
  };
}

function relayLabels({ workload }: ScrapedProxy, via: URL): Record<string, string> {
  const path = workload.split("/").map(encodeURIComponent).join("/");
  return { __scheme__: via.protocol.replace(":", ""), __metrics_path__: `${relayPath}/${path}/metrics` };
}

function placeText({ place: { address, port } }: ScrapedProxy): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
