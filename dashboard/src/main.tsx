/** Starts the dashboard in its page. */
import { render } from "preact";
import { App } from "./app.tsx";
import { fetchJson } from "./api/fetch-json.ts";
import { DocumentStore } from "./live/document-store.ts";
import { applyTheme, readPreferences } from "./preferences.ts";

const place = document.getElementById("app");
const documents = new DocumentStore({
  fetch: (path, signal) => fetchJson<unknown>(path, { signal }),
  nowMs: () => Date.now(),
  setTimer: (action, afterMs) => window.setTimeout(action, afterMs),
  clearTimer: (timer) => window.clearTimeout(timer),
});

// A tab that nobody sees asks for nothing; waking it brings everything up to date.
document.addEventListener("visibilitychange", () => documents.setVisible(!document.hidden));
documents.setVisible(!document.hidden);
addEventListener("online", () => documents.refresh());

const preferences = readPreferences();
applyTheme(preferences.theme);
if (place !== null) render(<App documents={documents} initialPreferences={preferences} />, place);
