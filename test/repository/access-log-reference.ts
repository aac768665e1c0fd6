/** docs/reference/access-log.md, written from the tables that the proxy and the compiler have. */
import { logOperators, type LogOperatorInfo } from "../../src/decide/telemetry/index.ts";
import { reasons } from "../../src/kernel/index.ts";
import { jsonFields } from "../../src/proxy/access-log/json-fields.ts";
import { flagOfReason, longFlags } from "../../src/proxy/access-log/response-flags.ts";
import { markdownTable } from "./markdown-table.ts";

const argumentTexts: Readonly<Record<LogOperatorInfo["argument"], string>> = {
  none: "",
  header: "(NAME?OTHER)",
  time: "(FORMAT)",
  "grpc-status": "(FORM)",
  field: "(NAME)",
};

export function accessLogReference(): string {
  const operators: [string, LogOperatorInfo][] = Object.entries(logOperators);
  return [
    "# Access log",
    "",
    "One line for each exchange and each raw connection, written when it has ended, by the proxies of both sides. `MeshConfig.spec.accessLog`",
    "turns it on; a TelemetryPolicy says more for a workload, a gateway or a route (`spec.accessLog`): whether there is one, its form, fields",
    "of its own, a filter, a share, and with `spec.redaction` what is hidden.",
    "",
    "- **What failed is always there**, whatever the share is: a status of 500 and more, a status of gRPC that a server is to blame for",
    "  (UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS), or any reason code. The filter goes before that.",
    "- **Never there**: bodies; `authorization`, `proxy-authorization`, `cookie`, `set-cookie`, `x-api-key` (`***` where a text format asks for",
    "  one); the query, unless `redaction.logQuery` says so.",
    "- **One line is one line.** What a peer chose is cut at 2,048 characters and escaped: JSON as JSON does, and control characters beyond ASCII,",
    '  separators of lines and marks of direction as `\\uHHHH`; in text everything but printable ASCII, `"` and `\\`, as `\\xXX` for each byte.',
    "- **A slow disk holds nobody up.** At most 1 MiB of lines waits; what is more, and what could not be written, is counted in",
    "  `weft_access_log_dropped_total`. A line is at most a tenth of a second late.",
    "",
    "## The file",
    "",
    "Lines go to standard output, or into the bootstrap's `accessLogFile` (mode 0600). To rotate it, move it away: within a second the next line",
    "goes into a new file of the name. No signal is needed, and SIGUSR1, which rotation for nginx and Envoy sends, does no harm. Truncating it in",
    "its place (`copytruncate`) works too. Where the new file cannot be opened the old one stays, and it is tried again each second.",
    "",
    "## JSON",
    "",
    "Fields keep their names and meanings; more may come. Fields of a policy stand at the end, as text; one that has the name of a field below is left out.",
    "",
    ...markdownTable(
      ["Field", "Type", "Meaning", "There where"],
      jsonFields.map(({ name, type, meaning, when }) => [`\`${name}\``, type, meaning, when ?? "always"]),
    ),
    "",
    "## Text",
    "",
    "`format: Text` with `textFormat`, in Envoy's form: `%OPERATOR%`, `%OPERATOR(ARGUMENT)%`, with `:LENGTH` behind it for at most so many characters,",
    "and `%%` for a percent sign. What there is none of is `-`. The control plane refuses a format that it cannot read, with the place. A break of",
    "lines at the end may be there or not. Without `textFormat` it is Envoy's default format.",
    "",
    ...markdownTable(
      ["Operator", "Meaning"],
      operators.map(([name, { argument, meaning }]) => [`\`%${name}${argumentTexts[argument]}%\``, meaning]),
    ),
    "",
    "`%REQ%` and `%RESP%` take `NAME?OTHER`: the second where there is none of the first. Beside headers they know `:METHOD`, `:PATH`, `:AUTHORITY`,",
    "`:SCHEME`, `:PROTOCOL` and `:STATUS`. `X-ENVOY-ORIGINAL-PATH` is never there. FORMAT is of `strftime`, in UTC: `%Y %y %m %d %e %j %H %I %M %S %p %a %A",
    "%b %B %F %T %R %s %z %Z %%`, and `%f` or `%1f` to `%9f` for parts of a second.",
    "",
    "## Response flags",
    "",
    "`%RESPONSE_FLAGS%` for each reason code. `-`: Envoy has none for it, and `%RESPONSE_CODE_DETAILS%` says it. `URX` comes behind where a request was",
    "tried more than once and failed upstream.",
    "",
    ...markdownTable(
      ["Reason", "Flag", "Long form"],
      Object.keys(reasons).map((reason) => {
        const flag = Object.entries(flagOfReason).find(([name]) => name === reason)?.[1];
        return [`\`${reason}\``, flag ?? "-", flag === undefined ? "" : longFlags[flag]];
      }),
    ),
    "",
    "## Records for collectors",
    "",
    "Where a collector takes logs, each line is a record of OTLP too: severity ERROR for what failed, else INFO; event name `weft.access`; the body is the",
    "line of a text format, else a summary; attributes by OpenTelemetry's conventions (`http.request.method`, `url.path`, `http.response.status_code`,",
    "`error.type`, `rpc.grpc.status_code` …), the rest under `weft.`; trace and span where the trace is kept. `file: false` leaves the records alone.",
    "",
    "This page is written from the code; `WEFT_UPDATE_GOLDEN=1 npm run test:repository` writes it anew.",
    "",
  ].join("\n");
}
