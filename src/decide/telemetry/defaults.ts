/** What holds where nobody says anything. docs/reference/telemetry.md prints it. */
import { TracePropagation } from "../../model/index.ts";

export const defaults = {
  metrics: { isEnabled: true, hasIstioNames: false, hasExemplars: true, maxSeries: 2_000 },
  tracing: {
    samplingPpm: 10_000,
    followsParent: true,
    keepsErrors: true,
    keepsSlowerThanMs: 1_000,
    propagation: [TracePropagation.W3C],
  },
  accessLog: {
    samplingPpm: 1_000_000,
    toFile: true,
    /** Envoy's own default format. */
    textFormat:
      '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
      '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
      '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"',
  },
  redaction: {
    /** Whatever a policy says. */
    headers: ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"],
    logsQuery: false,
  },
} as const;
