/** What routing reads of a request, however the codec keeps it. */
export interface HttpRequestView {
  readonly method: string;
  /** Before the `?`, as received; `/` for an empty path. */
  readonly path: string;
  /** After the `?`, as received; empty where there is none. */
  readonly query: string;
  /** All values of a repeated header joined by ", " (RFC 9110 section 5.3). `host` is the authority in HTTP/2 too. */
  header(nameLower: string): string | undefined;
}
