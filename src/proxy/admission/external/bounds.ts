/** What one question may cost. `docs/reference/external-authorization.md` lists them. */

/** Of an answer's message or body. A page that says why somebody is refused fits; what is longer is no answer, or is left out of a refusal. */
export const maxAnswerBytes = 65_536;
/** In all lists of one answer together: what an answer puts into a request stays within what proxies take in a head. */
export const maxAnswerFields = 128;
/** Of one proxy, over all policies. Each may hold a body: with 8 KiB each that is 8 MB. Beyond, a question counts as not answered. */
export const maxQuestionsInFlight = 1_024;
/** Where the policy does not say. A verdict from the same network takes a millisecond or two. */
export const defaultTimeoutMs = 1_000;
/** Whatever a policy says: a proxy holds them until the answer comes. */
export const maxSentBodyBytes = 10_485_760;
