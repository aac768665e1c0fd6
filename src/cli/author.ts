/** Who makes a change, for the history. Told by the environment, so it is a note and no proof. */
import { hostname, userInfo } from "node:os";

/** The API's bound on an author. */
const maxAuthorLength = 256;

export function currentAuthor(env: Readonly<Record<string, string | undefined>>): string {
  const user = env["SUDO_USER"] ?? env["USER"] ?? nameOfUser();
  return `${user}@${hostname()}`.slice(0, maxAuthorLength);
}

/** Bun says "unknown" where neither USER nor LOGNAME is set; a number tells more. */
function nameOfUser(): string {
  const { username, uid } = userInfo();
  return username === "unknown" ? `uid-${uid}` : username;
}
