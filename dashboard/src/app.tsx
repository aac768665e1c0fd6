/** The whole: who is signed in, what they prefer, which page is open, and the keys that work on all of them. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { DocumentsContext } from "./live/use-document.ts";
import type { DocumentStore } from "./live/document-store.ts";
import { HelpDialog } from "./parts/help-dialog.tsx";
import { Page } from "./page.tsx";
import {
  applyTheme,
  keepPreferences,
  type Preferences,
  PreferencesContext,
  type Theme,
} from "./preferences.ts";
import { followLinks, navigate, parseRoute, useLocation } from "./router.ts";
import { askSession, type SessionState, signOut } from "./session.ts";
import { Shell } from "./shell.tsx";
import { type Command, ShortcutReader } from "./shortcuts.ts";
import { SignInPage } from "./pages/sign-in-page.tsx";
import { Splash } from "./parts/splash.tsx";

export interface AppProps {
  readonly documents: DocumentStore;
  readonly initialPreferences: Preferences;
}

const themes: readonly Theme[] = ["system", "light", "dark"];

export function App({ documents, initialPreferences }: AppProps) {
  const [session, setSession] = useState<SessionState>({ kind: "asking" });
  const [preferences, setPreferences] = useState(initialPreferences);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const { path } = useLocation();

  const change = useCallback((part: Partial<Preferences>) => {
    setPreferences((before) => {
      const after = { ...before, ...part };
      keepPreferences(after);
      applyTheme(after.theme);
      return after;
    });
  }, []);
  const nextTheme = useCallback(() => {
    const at = themes.indexOf(preferences.theme);
    change({ theme: themes[(at + 1) % themes.length] ?? "system" });
  }, [preferences.theme, change]);

  const ask = useCallback(() => void askSession().then(setSession), []);
  useEffect(ask, [ask]);
  useShortcuts((command) => {
    if (session.kind !== "signed_in") return;
    if (command.type === "go") navigate(command.path);
    else if (command.type === "help") setHelpOpen(true);
    else if (command.type === "theme") nextTheme();
    else search();
  });

  const onSignedOut = useCallback(() => {
    documents.clear();
    setSession({ kind: "signed_out" });
  }, [documents]);
  const leave = async (): Promise<void> => {
    if (session.kind !== "signed_in") return;
    try {
      await signOut(session.session);
      onSignedOut();
    } catch {
      setSession({
        kind: "away",
        message: "The control plane does not answer, so this session is not ended yet.",
      });
    }
  };

  if (session.kind === "asking") return <Splash />;
  if (session.kind === "away") return <Splash message={session.message} onRetry={ask} />;
  if (session.kind === "signed_out") {
    return <SignInPage onSignedIn={setSession} />;
  }
  return (
    <DocumentsContext.Provider value={documents}>
      <PreferencesContext.Provider value={preferences}>
        {/* oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- catches the clicks of the links within */}
        <div onClick={followLinks}>
          <Shell
            path={path}
            user={session.session.user}
            preferences={preferences}
            onChange={change}
            onTheme={nextTheme}
            onHelp={() => setHelpOpen(true)}
            onSignOut={() => void leave()}
            onSignedOut={onSignedOut}
          >
            <Page key={path} route={parseRoute(path)} />
          </Shell>
          {isHelpOpen && <HelpDialog onClose={() => setHelpOpen(false)} />}
        </div>
      </PreferencesContext.Provider>
    </DocumentsContext.Provider>
  );
}

/** The page's own search field; a page without one leads to the list of services. */
function search(): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field !== null) {
    field.focus();
    field.select();
    return;
  }
  navigate("/services?search=");
}

function useShortcuts(act: (command: Command) => void): void {
  const current = useRef(act);
  current.current = act;
  useEffect(() => {
    const reader = new ShortcutReader();
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target instanceof Element && event.target.closest("input, textarea, select, dialog") !== null)
        return;
      const command = reader.read(event.key, event.timeStamp);
      if (command === undefined) return;
      event.preventDefault();
      current.current(command);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
