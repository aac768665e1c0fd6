/**
 * Tokens at a door: each one that a request brings must be valid, wherever it stands. What the claims say replaces what clients
 * say under the same names, also where there is no token.
 *
 *   start --all known or none--> continue | refusal
 *     |--one to be verified--> suspended --verdict--> next token … --> continue | refusal
 *                                  |--cancel--> forgotten
 */
import type { HttpFacts } from "../../../decide/index.ts";
import { type HeaderLine, headerLine } from "../../../http1/index.ts";
import type { ReasonCode } from "../../../kernel/index.ts";
import type { JwtAuthentication } from "../../../model/index.ts";
import type { HttpRequest } from "../../http/index.ts";
import type { AdmissionContext } from "../context.ts";
import type { FilteredExchange, FilterRefusal, FilterStep, FilterWaiter, RequestFilter } from "../filter.ts";
import { type DecodedToken, decodeToken } from "./decode-token.ts";
import { removeForged } from "./forged-fields.ts";
import { JwtVerifiers } from "./jwt-verifiers.ts";
import {
  type PreparedAuthentication,
  type PreparedPlace,
  type PreparedProvider,
  prepare,
} from "./prepared-authentication.ts";
import type { VerifiedToken } from "./token-cache.ts";
import { fault, quoted, type TokenFault } from "./token-fault.ts";
import {
  ambiguous,
  empty,
  findToken,
  placeText,
  stripTokens,
  type TokenPlace,
  tokenStart,
} from "./token-places.ts";
import type { OnVerdict } from "./token-verifier.ts";

/** A caller has one or two: its user's and that of the proxy in front. */
const maxTokens = 4;

export type JwtFilterContext = Pick<AdmissionContext, "metrics">;

/** `verifiers`: of the process, so that what was verified outlives a change of the configuration. */
export function jwtFilter(
  model: JwtAuthentication,
  context: JwtFilterContext,
  verifiers: JwtVerifiers = new JwtVerifiers(),
): RequestFilter {
  return new JwtFilter(prepare(model, verifiers), context);
}

/** A text and all the places where it stands. */
interface BroughtToken {
  readonly text: string;
  readonly at: PreparedPlace[];
}

interface ValidToken {
  readonly provider: PreparedProvider;
  readonly verified: VerifiedToken;
  readonly at: readonly PreparedPlace[];
}

interface Examination {
  readonly exchange: FilteredExchange;
  readonly http: HttpFacts;
  readonly tokens: readonly BroughtToken[];
  readonly valid: ValidToken[];
  readonly waiter: FilterWaiter;
  /** Of the verification that it waits for. */
  forget: () => void;
}

interface JudgedFault extends TokenFault {
  readonly provider: PreparedProvider | undefined;
}

class JwtFilter implements RequestFilter {
  readonly #prepared: PreparedAuthentication;
  readonly #context: JwtFilterContext;
  /** Where tokens can stand in one place only, which is what most configurations say: a short way for those that are known. */
  readonly #only: PreparedPlace | undefined;
  readonly #onlyAt: readonly PreparedPlace[];
  readonly #suspended = new Map<FilteredExchange, Examination>();

  constructor(prepared: PreparedAuthentication, context: JwtFilterContext) {
    this.#prepared = prepared;
    this.#context = context;
    this.#onlyAt = prepared.places.length === 1 ? prepared.places : [];
    this.#only = this.#onlyAt[0];
  }

  start(exchange: FilteredExchange, waiter: FilterWaiter): FilterStep {
    const { http, nowMs } = exchange.request;
    if (this.#only !== undefined && http !== undefined) {
      const token = knownInHeader(this.#only.place, this.#onlyAt, exchange, nowMs);
      if (token !== undefined) {
        this.#admit(exchange, http, [token]);
        return "continue";
      }
    }
    // Raw TCP has nothing that a token could stand in.
    const tokens = http === undefined ? [] : findTokens(this.#prepared.places, http, exchange.head);
    if ("outcome" in tokens) return this.#refuse(exchange, { ...tokens, provider: undefined });
    if (http === undefined || tokens.length === 0) return this.#withoutToken(exchange);
    return this.#examine({ exchange, http, tokens, valid: [], waiter, forget: () => {} });
  }

  cancel(exchange: FilteredExchange): void {
    this.#suspended.get(exchange)?.forget();
    this.#suspended.delete(exchange);
  }

  #withoutToken(exchange: FilteredExchange): FilterStep {
    if (!this.#prepared.isRequired) {
      this.#setFields(exchange, []);
      return "continue";
    }
    const { source } = this.#prepared;
    this.#context.metrics.token("missing");
    if (source !== undefined) exchange.note({ source, rule: "", verdict: "denied" });
    exchange.addAnswerLine(challenge);
    const places = this.#prepared.places.map(({ place }) => placeText(place)).join(", ");
    return { reason: "jwt_missing", detail: `no token in any of: ${places}`, source };
  }

  /** From the first token that has not been looked at. */
  #examine(examination: Examination): FilterStep {
    const { exchange, tokens, valid } = examination;
    for (let token = tokens[valid.length]; token !== undefined; token = tokens[valid.length]) {
      const judged =
        known(token.text, 0, token.at, exchange.request.nowMs) ?? this.#judge(token, examination);
      if (judged === "suspended") {
        this.#suspended.set(exchange, examination);
        return judged;
      }
      const refused = "outcome" in judged ? judged : takeValid(judged, valid);
      if (refused !== undefined) return this.#refuse(exchange, refused);
    }
    this.#admit(exchange, examination.http, valid);
    return "continue";
  }

  /** Of a token that nobody has seen. */
  #judge(token: BroughtToken, examination: Examination): "suspended" | JudgedFault {
    const decoded = decodeToken(token.text);
    if ("outcome" in decoded) return { ...decoded, provider: undefined };
    const provider = providerOf(decoded, token, this.#prepared.byIssuer);
    if ("outcome" in provider) return provider;
    const { exchange, valid, waiter } = examination;
    const onVerdict: OnVerdict = (verdict) => {
      this.#suspended.delete(exchange);
      const refused =
        "outcome" in verdict
          ? { ...verdict, provider }
          : takeValid({ provider, verified: verdict, at: token.at }, valid);
      const step = refused === undefined ? this.#examine(examination) : this.#refuse(exchange, refused);
      if (step !== "suspended") waiter.resume(step);
    };
    examination.forget = () => provider.verifier.forget(token.text, onVerdict);
    const found = provider.verifier.verify(token.text, decoded, exchange.request.nowMs, onVerdict);
    return found === undefined ? "suspended" : { ...found, provider };
  }

  #admit(exchange: FilteredExchange, http: HttpFacts, valid: readonly ValidToken[]): void {
    exchange.claims = valid[0]?.verified.claims;
    let stripped: TokenPlace[] | undefined;
    for (const { provider, at } of valid) {
      this.#context.metrics.token("valid");
      if (!provider.model.forwardsToken) for (const { place } of at) (stripped ??= []).push(place);
    }
    if (stripped !== undefined) stripTokens(stripped, http, exchange);
    this.#setFields(exchange, valid);
  }

  #setFields(exchange: FilteredExchange, valid: readonly ValidToken[]): void {
    const { ownFields } = this.#prepared;
    if (ownFields.length === 0) return;
    let fields = valid[0]?.verified.fields ?? [];
    // Where two say the same field, the first one's word counts.
    for (let i = 1; i < valid.length; i++) {
      const more = valid[i]?.verified.fields.filter(({ nameLower }) => !fields.some(isNamed(nameLower)));
      fields = [...fields, ...(more ?? [])];
    }
    for (const line of fields) exchange.setRequestLine(line);
    removeForged(ownFields, fields, exchange);
  }

  #refuse(exchange: FilteredExchange, { outcome, detail, provider }: JudgedFault): FilterRefusal {
    this.#context.metrics.token(outcome);
    const reason = reasonOf(outcome);
    if (reason === "jwt_invalid") exchange.addAnswerLine(invalidChallenge);
    const whose = provider === undefined ? "" : ` for provider ${provider.model.name}`;
    const source = provider?.model.source ?? this.#prepared.source;
    if (source !== undefined) {
      exchange.note({ source, rule: provider?.model.name ?? "", verdict: "denied" });
    }
    return { reason, detail: `the token is not valid${whose}: ${detail}`, source };
  }
}

/** RFC 6750 section 3: without an error where no token came. What is wrong with one is told to operators alone. */
const challenge = headerLine("www-authenticate", "Bearer");
const invalidChallenge = headerLine("www-authenticate", 'Bearer error="invalid_token"');

function reasonOf(outcome: TokenFault["outcome"]): ReasonCode {
  switch (outcome) {
    case "overloaded":
      return "overloaded";
    case "failed":
      return "internal";
    default:
      return "jwt_invalid";
  }
}

/** One text that stands in several places is one token. */
function findTokens(
  places: readonly PreparedPlace[],
  http: HttpFacts,
  head: HttpRequest | undefined,
): readonly BroughtToken[] | TokenFault {
  const tokens: BroughtToken[] = [];
  for (const prepared of places) {
    const found = findToken(prepared.place, http, head);
    if (found === undefined) continue;
    if (found === ambiguous) return fault("ambiguous", `${placeText(prepared.place)} holds more than one`);
    if (found === empty) return fault("malformed", `${placeText(prepared.place)} holds an empty one`);
    const same = tokens.find(({ text }) => text === found);
    if (same === undefined) tokens.push({ text: found, at: [prepared] });
    else same.at.push(prepared);
  }
  return tokens.length > maxTokens ? fault("ambiguous", `there are more than ${maxTokens}`) : tokens;
}

/** Undefined: the header has none that is known, whatever else it has. */
function knownInHeader(
  place: TokenPlace,
  at: readonly PreparedPlace[],
  { head, request: { http } }: FilteredExchange,
  nowMs: number,
): ValidToken | undefined {
  const value = place.kind === "header" ? (head ?? http)?.header(place.name) : undefined;
  const start = value === undefined ? -1 : tokenStart(value, place);
  return value === undefined || start < 0 ? undefined : known(value, start, at, nowMs);
}

/** The token is `text` from `start` on. Undefined: it must be judged. */
function known(
  text: string,
  start: number,
  at: readonly PreparedPlace[],
  nowMs: number,
): ValidToken | undefined {
  for (const provider of at[0]?.providers ?? []) {
    const verified = provider.verifier.known(text, start, nowMs);
    if (verified === undefined) continue;
    return at.every(({ providers }) => providers.includes(provider)) ? { provider, verified, at } : undefined;
  }
  return undefined;
}

/** The issuer's, if it takes tokens from where this one stands. */
function providerOf(
  { claims: { iss } }: DecodedToken,
  token: BroughtToken,
  byIssuer: ReadonlyMap<string, PreparedProvider>,
): PreparedProvider | JudgedFault {
  const provider = typeof iss === "string" ? byIssuer.get(iss) : undefined;
  if (provider === undefined) {
    const what = typeof iss === "string" ? `no provider has its issuer ${quoted(iss)}` : "it names no issuer";
    return { ...fault("unknown_issuer", what), provider };
  }
  const foreign = token.at.find(({ providers }) => !providers.includes(provider));
  if (foreign === undefined) return provider;
  return { ...fault("misplaced", `it is not taken from ${placeText(foreign.place)}`), provider };
}

/** Of two tokens of one provider nobody could say whose claims count. */
function takeValid(token: ValidToken, valid: ValidToken[]): JudgedFault | undefined {
  const { provider } = token;
  if (valid.some((each) => each.provider === provider)) {
    return { ...fault("ambiguous", "the request has two of them"), provider };
  }
  valid.push(token);
  return undefined;
}

function isNamed(name: string): (field: HeaderLine) => boolean {
  return ({ nameLower }) => nameLower === name;
}
