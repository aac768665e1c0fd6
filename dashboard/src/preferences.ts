/** What a person chose for this browser: the theme and the window of time. Kept where the browser lets it be kept. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";

export type Theme = "system" | "light" | "dark";
export const windows = [
  { seconds: 300, label: "5 min" },
  { seconds: 900, label: "15 min" },
  { seconds: 3600, label: "1 h" },
] as const;

export interface Preferences {
  readonly theme: Theme;
  readonly windowSeconds: number;
}

const key = "weft-preferences";
const initial: Preferences = { theme: "system", windowSeconds: 900 };

/** Anything that is not one of the choices is the default. */
export function parsePreferences(text: string | null): Preferences {
  let read: unknown;
  try {
    read = JSON.parse(text ?? "null");
  } catch {
    return initial;
  }
  if (typeof read !== "object" || read === null) return initial;
  const theme: unknown = Reflect.get(read, "theme");
  const windowSeconds: unknown = Reflect.get(read, "windowSeconds");
  return {
    theme: theme === "light" || theme === "dark" ? theme : "system",
    windowSeconds: windows.find(({ seconds }) => seconds === windowSeconds)?.seconds ?? initial.windowSeconds,
  };
}

export function readPreferences(): Preferences {
  try {
    return parsePreferences(localStorage.getItem(key));
  } catch {
    return initial;
  }
}

export function keepPreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(key, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export const PreferencesContext = createContext<Preferences>(initial);

export function usePreferences(): Preferences {
  return useContext(PreferencesContext);
}
