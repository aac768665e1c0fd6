/** Standing in for somebody else, by Kubernetes' headers. Whoever may do it says so in the audit log with every request. */
import { WeftError } from "../../kernel/index.ts";
import type { AccessRequest } from "../authorization/access-request.ts";
import { type Authorizer, requireAllowed } from "../authorization/authorizer.ts";
import { type Caller, callerOf, serviceAccountOfUser } from "./caller.ts";

const userHeader = "impersonate-user";
const groupHeader = "impersonate-group";
const uidHeader = "impersonate-uid";
const extraPrefix = "impersonate-extra-";

/** The one whom the request is made for. Throws `forbidden`, or `usage` for headers that say half of it. */
export function impersonated(http: Request, caller: Caller, authorizer: Authorizer): Caller {
  const user = http.headers.get(userHeader);
  const groups = (http.headers.get(groupHeader) ?? "").split(",").flatMap((name) => name.trim() || []);
  const uid = http.headers.get(uidHeader);
  for (const name of http.headers.keys()) {
    if (name.startsWith(extraPrefix)) throw new WeftError("usage", `${name} is not supported`);
  }
  if (user === null) {
    if (groups.length === 0 && uid === null) return caller;
    throw new WeftError("usage", `${groupHeader} needs ${userHeader}`);
  }
  if (user === "") throw new WeftError("usage", `${userHeader} is empty`);
  const serviceAccount = serviceAccountOfUser(user);
  const wanted: AccessRequest[] = [
    serviceAccount === undefined
      ? accessOf("users", user)
      : {
          ...accessOf("serviceaccounts", serviceAccount.split("/")[1] ?? ""),
          namespace: serviceAccount.split("/")[0] ?? "",
        },
    ...groups.map((group) => accessOf("groups", group)),
    ...(uid === null ? [] : [{ ...accessOf("uids", uid), group: "authentication.k8s.io" }]),
  ];
  for (const access of wanted) requireAllowed(authorizer, caller, access);
  const accountGroups =
    serviceAccount === undefined
      ? []
      : ["system:serviceaccounts", `system:serviceaccounts:${serviceAccount.split("/")[0] ?? ""}`];
  return callerOf({
    user,
    ...(uid === null ? {} : { uid }),
    groups: groups.length > 0 ? groups : accountGroups,
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    method: caller.method,
    expiresAtMs: caller.expiresAtMs,
    impersonator: caller.user,
  });
}

function accessOf(resource: string, name: string) {
  return {
    type: "resource",
    verb: "impersonate",
    group: "",
    resource,
    subresource: "",
    namespace: "",
    name,
  } as const;
}
