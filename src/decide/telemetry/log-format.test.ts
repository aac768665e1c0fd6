/** What a text format may say, and how one that is wrong is told. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatProblemText, parseLogFormat } from "./log-format.ts";
import { logOperators } from "./log-operators.ts";
import { formatTime, parseTimeFormat } from "./log-time.ts";

const istio =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% ' +
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% ' +
  "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n";

function problemsOf(format: string): string[] {
  return parseLogFormat(format).problems.map((problem) => formatProblemText(format, problem));
}

describe("a text format", () => {
  test("is text and operators with arguments and lengths", () => {
    expect(parseLogFormat("a%%b %REQ(X-A?:path):12% %RESPONSE_CODE:3%.").segments).toEqual([
      { kind: "text", text: "a%b " },
      { kind: "header", operator: "REQ", name: "x-a", alternative: ":path", maxLength: 12 },
      { kind: "text", text: " " },
      { kind: "value", operator: "RESPONSE_CODE", maxLength: 3 },
      { kind: "text", text: "." },
    ]);
  });

  test("of Istio's default is taken as it is", () => {
    const { problems, segments } = parseLogFormat(istio);
    expect(problems).toEqual([]);
    expect(segments.filter(({ kind }) => kind !== "text").length).toBe(24);
  });

  test("takes every operator of the table", () => {
    const examples = {
      none: "",
      header: "(grpc-status)",
      time: "(%Y)",
      "grpc-status": "(NUMBER)",
      field: "(a)",
    };
    for (const [name, { argument }] of Object.entries(logOperators))
      expect([name, problemsOf(`%${name}${examples[argument]}:9%`)]).toEqual([name, []]);
  });

  test.each([
    [
      "x %RESPONSE_COD%",
      "at character 3 (%RESPONSE_COD%): there is no operator RESPONSE_COD; did you mean RESPONSE_CODE?",
    ],
    ["%DYNAMIC_METADATA(a)%", "there is no operator DYNAMIC_METADATA"],
    ["%duration%", "there is no operator duration; did you mean DURATION?"],
    [
      "100% sure",
      'at character 4 (%): no operator such as %RESPONSE_CODE% or %REQ(:PATH):40%; "%%" is a percent sign',
    ],
    ["%REQ%", "REQ needs an argument, such as REQ(user-agent)"],
    ["%REQ(a b)%", '"a b" is no name of a header'],
    ["%REQ(a?b?c)%", "REQ takes one alternative"],
    ["%DURATION(x)%", "DURATION takes no argument"],
    ["%TRAILER(x-sum)%", "of trailers, grpc-status alone is kept"],
    ["%GRPC_STATUS(HEX)%", "GRPC_STATUS takes CAMEL_STRING, SNAKE_STRING or NUMBER"],
    ["%START_TIME(%Q)%", "START_TIME has a conversion that is not known"],
    ["%START_TIME(%3Y)%", "START_TIME has a conversion that is not known"],
    ["%PROTOCOL:0%", "a length of 0 leaves nothing"],
    ["%toString%", "there is no operator toString"],
    ["a\nb", "a line cannot hold control characters"],
  ])("%p is refused with its place", (format, message) => {
    const problems = problemsOf(format);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toContain(message);
    expect(problems[0]).toStartWith("at character ");
  });

  test("tells at most eight problems, however many there are", () => {
    expect(problemsOf("%X%".repeat(1_000)).length).toBe(8);
  });

  test("never throws, and what has no operator is the same text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (written) => {
        const format = written.replaceAll("%", "%%");
        const { segments } = parseLogFormat(format);
        expect(segments).toEqual(written === "" ? [] : [{ kind: "text", text: written }]);
        parseLogFormat(written);
      }),
    );
  });
});

describe("a format of times", () => {
  const moment = Date.UTC(2026, 2, 5, 15, 4, 9, 7) + 0.25;
  test.each([
    ["%Y-%m-%dT%H:%M:%S.%3fZ", "2026-03-05T15:04:09.007Z"],
    ["%F %T.%6f", "2026-03-05 15:04:09.007250"],
    ["%d/%b/%Y:%H:%M:%S %z", "05/Mar/2026:15:04:09 +0000"],
    ["%a %A %B %e %y %j", "Thu Thursday March  5 26 064"],
    ["%I:%M %p %R %Z %%", "03:04 PM 15:04 UTC %"],
    ["%s.%f", `${Math.floor(moment / 1_000)}.007250000`],
  ])("%s", (format, expected) => {
    const parts = parseTimeFormat(format);
    expect(parts && formatTime(parts, moment)).toBe(expected);
  });

  test("that ends within a conversion is none", () => {
    expect(parseTimeFormat("%Y-%")).toBeUndefined();
    expect(parseTimeFormat("%4")).toBeUndefined();
  });
});
