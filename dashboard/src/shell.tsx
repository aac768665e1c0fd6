/** The frame around every page: where one can go, which window of time, the theme, and whether the figures are live. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { MeshStatus } from "./api/documents.ts";
import { meshPath } from "./api/fetch-json.ts";
import { resourcesEveryMs, useDocument, useStore } from "./live/use-document.ts";
import { Icon, type IconName } from "./parts/icon.tsx";
import { type Preferences, type Theme, windows } from "./preferences.ts";
import { destinations } from "./shortcuts.ts";
import { formatAgo } from "./format/times.ts";

export interface ShellProps {
  readonly path: string;
  readonly user: string;
  readonly preferences: Preferences;
  readonly onChange: (part: Partial<Preferences>) => void;
  readonly onTheme: () => void;
  readonly onHelp: () => void;
  readonly onSignOut: () => void;
  readonly onSignedOut: () => void;
  readonly children: ComponentChildren;
}

const icons: Readonly<Record<string, IconName>> = {
  "/": "overview",
  "/topology": "topology",
  "/services": "service",
  "/requests": "request",
  "/explain": "help",
  "/routes": "route",
  "/policies": "shield",
  "/certificates": "certificate",
  "/proxies": "proxy",
  "/changes": "clock",
};
const themeNames: Readonly<Record<Theme, string>> = { system: "as the system", light: "light", dark: "dark" };
const themeIcons: Readonly<Record<Theme, IconName>> = { system: "system", light: "sun", dark: "moon" };

export function Shell(props: ShellProps) {
  const { path, user, preferences, onChange, onTheme, onHelp, onSignOut, onSignedOut, children } = props;
  const [isMenuOpen, setMenuOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const status = useDocument<MeshStatus>(`${meshPath}/status`, resourcesEveryMs);
  const isSignedOut = status.failure?.kind === "signed_out";
  useEffect(() => {
    if (isSignedOut) onSignedOut();
  }, [isSignedOut, onSignedOut]);
  const isFirst = useRef(true);
  useEffect(() => {
    setMenuOpen(false);
    // A page that has just been loaded keeps the focus where the browser has it.
    if (!isFirst.current && document.activeElement?.closest("main") === null) main.current?.focus();
    isFirst.current = false;
  }, [path]);

  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={(event) => skip(event, main.current)}>
        Skip to content
      </a>
      <header class="bar">
        <button
          class="icon-button menu-button"
          aria-label="Menu"
          aria-expanded={isMenuOpen}
          aria-controls="places"
          onClick={() => setMenuOpen(!isMenuOpen)}
        >
          <Icon name={isMenuOpen ? "close" : "menu"} />
        </button>
        <a class="brand" href="/" aria-label="weft, overview">
          <Icon name="weft" />
          <span>weft</span>
        </a>
        <p class="bar-mesh" title="Trust domain of this mesh">
          {status.data?.trustDomain}
        </p>
        <Liveness failure={status.failure?.message} atMs={status.atMs} />
        <fieldset class="segments" aria-label="Window of time">
          {windows.map(({ seconds, label }) => (
            <button
              key={seconds}
              aria-pressed={preferences.windowSeconds === seconds}
              onClick={() => onChange({ windowSeconds: seconds })}
            >
              {label}
            </button>
          ))}
        </fieldset>
        <button
          class="icon-button"
          title="Theme (d)"
          aria-label={`Theme: ${themeNames[preferences.theme]}`}
          onClick={onTheme}
        >
          <Icon name={themeIcons[preferences.theme]} />
        </button>
        <button class="icon-button" title="Keys (?)" aria-label="Help: keys" onClick={onHelp}>
          <Icon name="help" />
        </button>
      </header>
      <nav id="places" class={isMenuOpen ? "places open" : "places"} aria-label="Pages">
        <ul>
          {destinations.map((each) => (
            <li key={each.path}>
              <a href={each.path} aria-current={isUnder(path, each.path) ? "page" : undefined}>
                <Icon name={icons[each.path] ?? "overview"} />
                <span>{each.label}</span>
              </a>
            </li>
          ))}
        </ul>
        <div class="who">
          <p>
            <span class="quiet">Signed in as</span>
            <bdi title={user}>{user}</bdi>
          </p>
          <button class="plain" onClick={onSignOut}>
            <Icon name="leave" />
            Sign out
          </button>
        </div>
      </nav>
      <main id="content" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function Liveness({ failure, atMs }: { readonly failure: string | undefined; readonly atMs: number }) {
  const store = useStore();
  if (failure === undefined) {
    return (
      <p class="live">
        <span class="live-dot" aria-hidden="true" />
        Live
      </p>
    );
  }
  return (
    <p class="live stale" role="status">
      <Icon name="note" />
      <span title={failure}>{atMs === 0 ? "No answer" : `As of ${formatAgo(atMs, Date.now())}`}</span>
      <button class="plain" onClick={() => store.refresh()}>
        Try now
      </button>
    </p>
  );
}

function isUnder(path: string, place: string): boolean {
  return place === "/" ? path === "/" : path === place || path.startsWith(`${place}/`);
}

/** In place of the browser's way, which would change the path. */
function skip(event: MouseEvent, main: HTMLElement | null): void {
  event.preventDefault();
  main?.focus();
}
