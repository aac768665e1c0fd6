/** An explanation that a person reads from the top down: what comes of it, then each hop in the order of the way. */
import type { Explanation, Hop, Outcome, SourceRef } from "../api/index.ts";
import type { Output, Style } from "./output.ts";
import { plainText } from "./plain-text.ts";

const styles: Record<Outcome["verdict"], Style> = {
  forwarded: "green",
  answered: "cyan",
  denied: "red",
  refused: "red",
  unknown: "yellow",
};
/** Of rules and endpoints; the document has them all. */
const maxShown = 6;

export function writeExplanation(output: Output, explanation: Explanation): void {
  const { outcome, hops, notes, request, requestId, revision } = explanation;
  output.line(`${output.styled(styles[outcome.verdict], outcome.verdict)}${plainText(outcomeText(outcome))}`);
  const { method = "GET", url } = request;
  const at = revision === undefined ? "" : `, revision ${revision}`;
  output.line(output.styled("dim", plainText(`${method} ${url}, request id ${requestId}${at}`)));
  for (const [index, hop] of hops.entries()) {
    output.line("");
    output.line(output.styled("bold", plainText(`${index + 1}. ${titleOf(hop)}`)));
    for (const line of linesOf(hop)) output.line(plainText(`   ${line}`));
    const { verdict } = hop.outcome;
    if (verdict !== "forwarded") {
      output.line(`   ${output.styled(styles[verdict], verdict)}${plainText(outcomeText(hop.outcome))}`);
    }
  }
  if (notes.length > 0) output.line("");
  for (const note of notes) output.line(plainText(`note: ${note}`));
}

function outcomeText({ status, grpcStatus, reason, detail, by }: Outcome): string {
  const said = [
    ...(status === undefined ? [] : [` ${status}`]),
    ...(grpcStatus === undefined ? [] : [` grpc-status ${grpcStatus}`]),
    ...(reason === undefined ? [] : [` ${reason}`]),
  ].join("");
  const why = detail === undefined ? "" : `: ${detail}`;
  return `${said}${why}${by === undefined ? "" : `, by ${refText(by)}`}`;
}

function titleOf({ proxy, also, protocol }: Hop): string {
  const more = also.length === 0 ? "" : ` and ${also.length} more alike`;
  const name = proxy.name === "" ? proxy.identity : proxy.name;
  return `${proxy.role} of ${name}${more}, ${proxy.direction}, ${protocol}`;
}

function linesOf(hop: Hop): string[] {
  const { listener, mtls, rewrite, answer } = hop;
  return [
    `listener  ${listener.text}${whereText(listener.source)}`,
    ...(mtls === undefined
      ? []
      : [`mtls      ${mtls.mode}, and the connection is ${mtls.isMutual ? "mTLS" : "plaintext"}`]),
    ...routeLines(hop),
    ...tokenLines(hop),
    ...admissionLines(hop),
    ...limitLines(hop),
    ...(answer === undefined
      ? []
      : [
          `answers   ${answer.status}`,
          ...answer.headers.map(([name = "", value = ""]) => `            ${name}: ${value}`),
        ]),
    ...faultLines(hop),
    ...settingLines(hop),
    ...(rewrite === undefined
      ? []
      : [
          `rewrites  ${[rewrite.hostname && `host to ${rewrite.hostname}`, rewrite.path && `path to ${rewrite.path}`].filter(Boolean).join(", ")}`,
        ]),
    ...editLines("request", hop.requestEdits),
    ...editLines("answer", hop.responseEdits),
    ...hop.mirrors.map(
      ({ cluster, share, isSent }) =>
        `mirror    ${percent(share)} to ${cluster}: this request is ${isSent ? "" : "not "}copied`,
    ),
    ...backendLines(hop),
    ...hop.notes.map((note) => `note      ${note}`),
  ];
}

function routeLines({ route }: Hop): string[] {
  if (route === undefined) return [];
  const { source, matched, others, othersOmitted } = route;
  const head =
    matched === ""
      ? "route     no rule matches"
      : `route     ${source === undefined ? "" : `${refText(source)}: `}${matched}`;
  const differing = others.filter(({ why }) => !why.startsWith("an entry"));
  const shown = differing
    .slice(0, maxShown)
    .map(
      ({ source: other, matched: asked, why }) =>
        `  not       ${other === undefined ? asked : refText(other)}: ${why}`,
    );
  const left = others.length + othersOmitted - shown.length;
  return [head, ...shown, ...(left > 0 ? [`  and ${left} more rules that come later or differ`] : [])];
}

function tokenLines({ token }: Hop): string[] {
  if (token === undefined) return [];
  const { state, isRequired, issuer, detail, source } = token;
  const whose = issuer === undefined ? "" : ` of ${issuer}`;
  const why = detail === undefined ? "" : `: ${detail}`;
  return [`token     ${state}${whose}, ${isRequired ? "required" : "not required"}${why}${refOf(source)}`];
}

function admissionLines({ admission }: Hop): string[] {
  return admission.map(({ source, action, isMatch, isDryRun, rule, mismatch }) => {
    const what = isMatch
      ? `matches${rule === undefined ? "" : ` by ${rule}`}`
      : `does not match: ${mismatch ?? ""}`;
    const policy = source === undefined ? "" : refText(source);
    return `policy    ${action}${isDryRun ? " (dry run)" : ""} ${policy} ${what}`;
  });
}

function limitLines({ limits }: Hop): string[] {
  return limits.map(({ source, scope, isCounted, key = "", requests, periodMs, isDryRun }) => {
    const rate = requests === undefined ? "" : `, ${requests} in ${periodMs ?? 0} ms`;
    const counted = isCounted ? `counted${key === "" ? "" : ` as ${key}`}${rate}` : "not counted";
    return `limit     ${scope}${isDryRun ? " (dry run)" : ""} ${source === undefined ? "" : refText(source)} ${counted}`;
  });
}

function faultLines({ faults }: Hop): string[] {
  return faults.map(({ source, happens, why, perMillion }) =>
    happens
      ? `fault     ${source} happens (${perMillion / 10_000} %)`
      : `fault     ${source} does not happen: ${why}`,
  );
}

/** What somebody said; defaults are in the document. */
function settingLines({ settings }: Hop): string[] {
  return settings.flatMap(({ field, value, origin }) =>
    origin === undefined ? [] : [`setting   ${field} = ${value}, ${refText(origin)}`],
  );
}

function editLines(what: string, edits: Hop["requestEdits"]): string[] {
  return edits.map(
    ({ operation, name, value }) =>
      `edits     ${what}: ${operation} ${name}${value === undefined ? "" : `: ${value}`}`,
  );
}

function backendLines({ backends }: Hop): string[] {
  return backends.flatMap(
    ({ cluster, weight, share, chosen, unresolved, endpoints, endpointsOmitted, source }) => {
      const broken = unresolved === undefined ? "" : `, leads nowhere: ${unresolved}`;
      const line = `backend   ${chosen ? "*" : " "} ${cluster === "" && source !== undefined ? refText(source) : cluster} weight ${weight} (${percent(share)})${broken}`;
      if (!chosen) return [line];
      const shown = endpoints.slice(0, maxShown).map(({ workload, address, health, zone, isPossible }) => {
        const where = zone === "" ? "" : `, zone ${zone}`;
        return `            ${workload} ${address} ${health}${where}${isPossible ? "" : ", not chosen"}`;
      });
      const left = endpoints.length + endpointsOmitted - shown.length;
      return [line, ...shown, ...(left > 0 ? [`            and ${left} more endpoints`] : [])];
    },
  );
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100} %`;
}

function refOf(source: SourceRef | undefined): string {
  return source === undefined ? "" : `, ${refText(source)}`;
}

function refText(source: SourceRef): string {
  const { kind, namespace, name, section } = source;
  const path = namespace === "" ? name : `${namespace}/${name}`;
  return `${kind} ${path}${section === "" ? "" : ` ${section}`}${whereText(source)}`;
}

function whereText(source: SourceRef | undefined): string {
  if (source?.file !== undefined)
    return ` (${source.file}${source.line === undefined ? "" : `:${source.line}`})`;
  return source?.revision === undefined ? "" : ` (revision ${source.revision})`;
}
