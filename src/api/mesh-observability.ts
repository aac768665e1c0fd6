/** MeshConfig.spec.observability: how long the control plane keeps golden signals, and where else it may read them from. */
import { timeSpan } from "./measures.ts";
import { object, optional, text, type ValueOf } from "./schema.ts";

const maxUrlLength = 2_048;
const httpUrl = {
  min: 1,
  max: maxUrlLength,
  pattern: "^https?://[^\\s@#?]+$",
  expected: "an http or https URL without user and query, such as http://prometheus.monitoring:9090",
};

export const observabilitySchema = object(
  "Golden signals as the control plane keeps them.",
  {
    window: timeSpan(
      "How far back services can be looked at. Holds from the control plane's next start on.",
      { min: "1m", max: "24h" },
      { default: "1h" },
    ),
    resolution: timeSpan(
      "Length of a slot of the window. Holds from the control plane's next start on.",
      { min: "1s", max: "5m" },
      { default: "10s" },
    ),
    prometheus: optional(
      object(
        "A Prometheus server that scrapes the proxies: views of services are read from it, and from the window while it does not answer.",
        {
          url: text("Where its HTTP API is.", httpUrl),
          timeout: timeSpan(
            "How long it may take to answer.",
            { min: "100ms", max: "30s" },
            { default: "5s" },
          ),
        },
      ),
    ),
  },
  { default: {} },
);
export type ObservabilitySettings = ValueOf<typeof observabilitySchema>;
