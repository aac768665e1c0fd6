/** Before anything is known: the name alone, or that the control plane does not answer and what to do. */
import { Icon } from "./icon.tsx";

export interface SplashProps {
  readonly message?: string;
  readonly onRetry?: () => void;
}

export function Splash({ message, onRetry }: SplashProps) {
  return (
    <main class="splash">
      <p class="splash-brand">
        <Icon name="weft" />
        weft
      </p>
      {message !== undefined && (
        <div role="alert" class="splash-message">
          <h1>The control plane is away</h1>
          <p>{message}</p>
          <p class="quiet">
            Proxies go on serving with what they know. See whether <code>weft up</code> or{" "}
            <code>weft control</code> runs and what its log says.
          </p>
          <button class="button" onClick={onRetry}>
            Try again
          </button>
        </div>
      )}
    </main>
  );
}
