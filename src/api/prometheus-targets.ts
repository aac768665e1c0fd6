/** What Prometheus' HTTP service discovery reads: where each proxy's metrics are, and whose they are. */
import { anyText } from "./formats.ts";
import { list, object, text, textMap, type ValueOf } from "./schema.ts";

const maxGroups = 100_000;
const maxLabels = 32;

export const prometheusTargetsSchema = list(
  "Groups of targets.",
  object("One proxy.", {
    targets: list("Its address and port; with via=control the control plane's own.", text("", anyText), {
      max: 1,
    }),
    labels: textMap("Labels of all that is read there.", anyText, anyText, maxLabels),
  }),
  { max: maxGroups },
);
export type PrometheusTargets = ValueOf<typeof prometheusTargetsSchema>;
