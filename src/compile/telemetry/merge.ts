/**
 * What several say, laid over one another field by field: the nearest that says something about a field has it. What is
 * hidden adds up: a nearer policy cannot uncover what a farther one hides.
 */
import type { AccessLogContent, CompiledSettings } from "./settings.ts";

/** The nearest first. */
export function mergeSettings(layers: readonly CompiledSettings[]): CompiledSettings {
  return layers.reduceRight<CompiledSettings>(
    (far, near) => ({
      metrics: both(near.metrics, far.metrics),
      tracing: both(near.tracing, far.tracing),
      accessLog: both(near.accessLog, far.accessLog),
      redaction: mergeRedaction(near.redaction, far.redaction),
    }),
    {},
  );
}

/** As the message has it: what is hidden stands with the access log. */
export function accessLogWith({ accessLog, redaction }: CompiledSettings): AccessLogContent | undefined {
  return redaction === undefined ? accessLog : { ...accessLog, redaction };
}

function both<T extends object>(near: T | undefined, far: T | undefined): T | undefined {
  return near === undefined || far === undefined ? (near ?? far) : { ...far, ...near };
}

type Redaction = CompiledSettings["redaction"];

function mergeRedaction(near: Redaction, far: Redaction): Redaction {
  if (near === undefined || far === undefined) return near ?? far;
  return {
    ...far,
    ...near,
    headers: united(near.headers, far.headers),
    queryParameters: united(near.queryParameters, far.queryParameters),
    pathTemplates: united(near.pathTemplates, far.pathTemplates),
  };
}

function united(near: readonly string[] = [], far: readonly string[] = []): string[] {
  return [...new Set([...near, ...far])];
}
