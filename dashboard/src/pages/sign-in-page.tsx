/** Lets somebody in: by the OpenID provider where there is one, or with a token that becomes a session. */
import { useEffect, useState } from "preact/hooks";
import { failureOf } from "../api/fetch-json.ts";
import { Icon } from "../parts/icon.tsx";
import { askMethods, type SessionState, signIn } from "../session.ts";

export function SignInPage({ onSignedIn }: { readonly onSignedIn: (state: SessionState) => void }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [hasProvider, setProvider] = useState(false);
  useEffect(() => {
    document.title = "Sign in · weft";
    void askMethods().then(({ oidc }) => setProvider(oidc));
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (token.trim() === "" || isBusy) return;
    setBusy(true);
    setProblem("");
    try {
      onSignedIn(await signIn(token.trim()));
    } catch (cause) {
      const { kind, message } = failureOf(cause);
      setProblem(kind === "signed_out" ? "This token is not valid here." : message);
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <p class="splash-brand">
          <Icon name="weft" />
          weft
        </p>
        <h1>Sign in</h1>
        {hasProvider && (
          <>
            <a class="button primary" href="/auth/oidc/start">
              Continue with your organisation
            </a>
            <p class="or">
              <span>or with a token</span>
            </p>
          </>
        )}
        <form onSubmit={(event) => void submit(event)}>
          <label for="token">Token</label>
          <input
            id="token"
            type="password"
            autoComplete="off"
            spellcheck={false}
            value={token}
            aria-invalid={problem !== ""}
            aria-describedby="token-help token-problem"
            onInput={(event) => setToken(event.currentTarget.value)}
          />
          <p id="token-problem" class="problem" role="alert">
            {problem}
          </p>
          <button class="button primary" type="submit" disabled={isBusy || token.trim() === ""}>
            {isBusy ? "Signing in" : "Sign in"}
          </button>
        </form>
        <p id="token-help" class="quiet">
          The instance's own token is the file <code>token</code> in its data directory:{" "}
          <code>cat .weft/default/token</code> for <code>weft up</code>. It is sent once and kept nowhere; the
          session ends after half an hour without use.
        </p>
      </div>
    </main>
  );
}
