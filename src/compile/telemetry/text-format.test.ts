/** Formats of the access log are read by the proxy's own parser before a proxy gets them. */
import { expect, test } from "bun:test";
import type { Issue } from "../../kernel/index.ts";
import { compileSettings } from "./settings.ts";

function compiled(textFormat: string) {
  const invalid: Issue[] = [];
  const { accessLog } = compileSettings({ accessLog: { format: "Text", textFormat } }, "spec", invalid);
  return { invalid, sent: accessLog?.textFormat };
}

test("a format that can be read is sent as it stands", () => {
  const format = "[%START_TIME(%Y-%m-%dT%H:%M:%S)%] %REQ(:METHOD)% %RESPONSE_CODE%\n";
  expect(compiled(format)).toEqual({ invalid: [], sent: format });
});

test("an operator that there is not is an issue with its place and the nearest one", () => {
  const { invalid, sent } = compiled("%REQ(:METHOD)% %RESPONSE_FLAG%");
  expect(sent).toBeUndefined();
  expect(invalid).toEqual([
    {
      path: "spec.accessLog.textFormat",
      message:
        "at character 16 (%RESPONSE_FLAG%): there is no operator RESPONSE_FLAG; did you mean RESPONSE_FLAGS?",
    },
  ]);
});
