/** From the model's session persistence to a session: by cookie or by header. */
import { framingNames, type HeaderLine } from "../../http1/index.ts";
import type { SessionPersistence } from "../../model/index.ts";
import type { HttpRequest } from "../http/index.ts";
import { cookieValue, isCookieName, isCookiePath, setCookie } from "./cookies.ts";
import { latin1Line } from "./exchange-heads.ts";
import type { Session } from "./session.ts";
import { encodeToken, readToken, type SessionTimeouts, type SessionToken } from "./session-token.ts";

/** Undefined: there is none, or what it is called can be neither a cookie nor a header. */
export function prepareSession(model: SessionPersistence | undefined): Session | undefined {
  if (model === undefined) return undefined;
  const { carrier } = model;
  const timeouts: SessionTimeouts = {
    absoluteSeconds: model.absoluteTimeoutSeconds,
    idleSeconds: model.idleTimeoutSeconds,
  };
  switch (carrier.case) {
    case "cookie": {
      const { name, path, maxAgeSeconds } = carrier.value;
      if (!isCookieName(name)) return undefined;
      return new CookieSession({ name, path: isCookiePath(path) ? path : "/", maxAgeSeconds }, timeouts);
    }
    case "header":
      return isHeaderName(carrier.value)
        ? new HeaderSession(carrier.value.toLowerCase(), timeouts)
        : undefined;
    case undefined:
      return undefined;
  }
}

/** Names that frame messages or say whom they are for are not for clients to bring back. */
function isHeaderName(name: string): boolean {
  const lower = name.toLowerCase();
  return isCookieName(name) && lower !== "host" && !framingNames.has(lower);
}

/** The time of the last request may be so much older than told, as a part of the idle timeout. */
const stalePart = 10;

abstract class BaseSession implements Session {
  readonly #timeouts: SessionTimeouts;

  constructor(timeouts: SessionTimeouts) {
    this.#timeouts = timeouts;
  }

  read(head: HttpRequest, nowSeconds: number): SessionToken | undefined {
    const text = this.text(head);
    return text === undefined ? undefined : readToken(text, this.#timeouts, nowSeconds);
  }

  isStale(token: SessionToken, nowSeconds: number): boolean {
    const { idleSeconds } = this.#timeouts;
    return idleSeconds > 0 && nowSeconds - token.seen >= Math.max(1, idleSeconds / stalePart);
  }

  abstract line(token: SessionToken, isSecure: boolean): HeaderLine;

  protected abstract text(head: HttpRequest): string | undefined;
}

class CookieSession extends BaseSession {
  readonly #cookie: { readonly name: string; readonly path: string; readonly maxAgeSeconds: number };

  constructor(
    cookie: { readonly name: string; readonly path: string; readonly maxAgeSeconds: number },
    timeouts: SessionTimeouts,
  ) {
    super(timeouts);
    this.#cookie = cookie;
  }

  override line(token: SessionToken, isSecure: boolean): HeaderLine {
    const { name, path, maxAgeSeconds } = this.#cookie;
    const leftSeconds = maxAgeSeconds - (token.seen - token.issued);
    const options = {
      path,
      maxAgeSeconds: maxAgeSeconds === 0 ? undefined : Math.max(0, leftSeconds),
      isSecure,
    };
    return latin1Line("set-cookie", setCookie(name, encodeToken(token), options));
  }

  protected override text(head: HttpRequest): string | undefined {
    const header = head.get("cookie");
    return header === undefined ? undefined : cookieValue(header, this.#cookie.name);
  }
}

class HeaderSession extends BaseSession {
  readonly #nameLower: string;

  constructor(nameLower: string, timeouts: SessionTimeouts) {
    super(timeouts);
    this.#nameLower = nameLower;
  }

  override line(token: SessionToken): HeaderLine {
    return latin1Line(this.#nameLower, encodeToken(token));
  }

  protected override text(head: HttpRequest): string | undefined {
    return head.get(this.#nameLower);
  }
}
