/** Request headers as browsers and services send them, so that tests with many are not tests of one long name. */
const usual = [
  "accept: application/json, text/plain, */*",
  "accept-language: en-GB,en;q=0.9,de;q=0.7",
  "accept-encoding: gzip, deflate, br",
  "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "referer: https://shop.example.test/catalogue/books?page=4",
  "cookie: session=4f1c2a9d7be04b5f9c1e; theme=dark; consent=necessary",
  "cache-control: no-cache",
  "pragma: no-cache",
  "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  "x-request-id: 7f3b9c52-1d0e-4c3a-9a57-52f1f5c0d9aa",
  "x-api-version: 2026-01-15",
  "sec-fetch-dest: empty",
  "sec-fetch-mode: cors",
  "sec-fetch-site: same-origin",
] as const;

export const maxRequestHeaders = usual.length + 1;

/** `count` in all, of which the load generator itself sends the first: `Host`. */
export function requestHeaders(count: number): readonly string[] {
  return usual.slice(0, count - 1);
}
