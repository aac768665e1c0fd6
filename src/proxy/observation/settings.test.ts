/** Settings are prepared once for each pair, and their code is loaded where there are some. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { TelemetrySchema } from "../../model/index.ts";
import { TelemetrySettings } from "./settings.ts";

test("are the same object for the same two, in whatever order they come", () => {
  const settings = new TelemetrySettings();
  const base = create(TelemetrySchema, { tracing: { samplingPpm: 1 } });
  const other = create(TelemetrySchema, { tracing: { samplingPpm: 2 } });
  const route = create(TelemetrySchema, { tracing: { keepsErrors: false } });
  const first = settings.of(base, route);
  expect(first?.tracing).toMatchObject({ samplingPpm: 1, keepsErrors: false });
  expect(settings.of(base, undefined)?.tracing).toMatchObject({ samplingPpm: 1, keepsErrors: true });
  expect(settings.of(other, route)?.tracing.samplingPpm).toBe(2);
  expect(settings.of(undefined, undefined)).toBeUndefined();
  expect(settings.of(undefined, route)?.tracing).toMatchObject({ samplingPpm: 10_000, keepsErrors: false });
  expect(settings.of(base, route)).toBe(first);
});

test("load no code while nobody says anything", async () => {
  const script = `
    const { TelemetrySettings } = await import("./settings.ts");
    const { create } = await import("@bufbuild/protobuf");
    const { TelemetrySchema } = await import("../../model/index.ts");
    const isLoaded = () => Object.keys(require.cache).some((file) => file.includes("/decide/telemetry/"));
    const settings = new TelemetrySettings();
    settings.of(undefined, undefined);
    const before = isLoaded();
    settings.of(create(TelemetrySchema), undefined);
    console.log(before, isLoaded());
  `;
  const { stdout } = Bun.spawn([process.execPath, "-e", script], {
    cwd: import.meta.dir,
    stdout: "pipe",
    stderr: "inherit",
  });
  expect(await new Response(stdout).text()).toBe("false true\n");
});
