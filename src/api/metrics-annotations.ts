/**
 * Where an application offers metrics of its own, in the annotations that Prometheus' users know: `prometheus.io/scrape`,
 * `prometheus.io/port`, `prometheus.io/path`. Its proxy offers them together with its own.
 */
import type { Issue } from "../kernel/index.ts";

const scrapeAnnotation = "prometheus.io/scrape";
const metricsPortAnnotation = "prometheus.io/port";
const metricsPathAnnotation = "prometheus.io/path";

const defaultPath = "/metrics";
const maxPath = 1024;

type Annotations = Readonly<Record<string, string>> | undefined;
type Ports = readonly { readonly port: number }[];

export interface MetricsPlace {
  readonly port: number;
  readonly path: string;
}

/** The annotations that are about it; others are left out. */
export function metricsAnnotations(annotations: Annotations): Record<string, string> {
  return Object.fromEntries(
    [scrapeAnnotation, metricsPortAnnotation, metricsPathAnnotation].flatMap((name) => {
      const value = annotations?.[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Of annotations that have been checked; undefined: nowhere. `ports`: of which the first one is meant where none is named. */
export function metricsPlace(annotations: Annotations, ports: Ports): MetricsPlace | undefined {
  if (annotations?.[scrapeAnnotation] !== "true") return undefined;
  const port = portOf(annotations, ports);
  const path = annotations[metricsPathAnnotation] ?? defaultPath;
  return port === undefined || !isPath(path) ? undefined : { port, path };
}

export function checkMetricsAnnotations(annotations: Annotations, ports: Ports): Issue[] {
  const scrape = annotations?.[scrapeAnnotation];
  if (annotations === undefined || scrape === undefined) return [];
  const at = (name: string): string => `metadata.annotations["${name}"]`;
  if (scrape === "false") return [];
  if (scrape !== "true") return [{ path: at(scrapeAnnotation), message: 'must be "true" or "false"' }];
  const issues: Issue[] = [];
  const port = annotations[metricsPortAnnotation];
  if (portOf(annotations, ports) === undefined) {
    const message =
      port === undefined
        ? "is required where the workload has no ports"
        : 'must be a port in quotes, such as "9090"';
    issues.push({ path: at(metricsPortAnnotation), message });
  }
  const path = annotations[metricsPathAnnotation];
  if (path !== undefined && !isPath(path))
    issues.push({ path: at(metricsPathAnnotation), message: "must be a path such as /metrics" });
  return issues;
}

function portOf(annotations: NonNullable<Annotations>, ports: Ports): number | undefined {
  const written = annotations[metricsPortAnnotation];
  if (written === undefined) return ports[0]?.port;
  if (!/^[1-9][0-9]{0,4}$/.test(written)) return undefined;
  const port = Number(written);
  return port <= 65_535 ? port : undefined;
}

function isPath(path: string): boolean {
  return path.length <= maxPath && /^\/[!-~]*$/.test(path);
}
