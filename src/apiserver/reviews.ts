/** Answers questions about rights and about who somebody is: `kubectl auth can-i`, `weft auth whoami`. Changes nothing. */
import type { TSchema } from "typebox";
import {
  accessReviewSchema,
  decodeMessage,
  rulesReviewSchema,
  subjectReviewSchema,
  type ValueOf,
} from "../api/index.ts";
import { WeftError } from "../kernel/index.ts";
import { refuse } from "./admission.ts";
import { json } from "./answers.ts";
import type { ApiRequest } from "./api-request.ts";
import { serviceAccountOfUser } from "./authentication/caller.ts";
import type { AccessRequest, Subject } from "./authorization/access-request.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import { readJson } from "./body.ts";
import type { RequestTarget } from "./request-target.ts";
import { methodNotAllowed } from "./resources.ts";

export class Reviews {
  readonly #authorizer: Authorizer;

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  async answer(
    request: ApiRequest,
    { what, namespace }: RequestTarget & { type: "review" },
  ): Promise<Response> {
    if (request.http.method !== "POST") throw methodNotAllowed(request.http, "POST");
    const body = await readJson(request.http, "json");
    const { caller } = request;
    switch (what) {
      case "selfsubjectreviews": {
        const review = decode(subjectReviewSchema, body);
        const { user: username, uid, groups, method } = caller;
        const userInfo = {
          username,
          ...(uid === undefined ? {} : { uid }),
          groups,
          extra: { method: [method] },
        };
        return json({ ...review, kind: "SelfSubjectReview", status: { userInfo } }, 201);
      }
      case "selfsubjectrulesreviews": {
        const review = decode(rulesReviewSchema, body);
        const status = this.#rules(caller, review.spec.namespace ?? "");
        return json({ ...review, kind: "SelfSubjectRulesReview", status }, 201);
      }
      case "selfsubjectaccessreviews": {
        const review = decode(accessReviewSchema, body);
        const status = this.#authorizer.decide(caller, accessOf(review.spec, undefined));
        return json({ ...review, kind: "SelfSubjectAccessReview", status }, 201);
      }
      case "subjectaccessreviews":
      case "localsubjectaccessreviews": {
        const review = decode(accessReviewSchema, body);
        const isLocal = what === "localsubjectaccessreviews";
        const status = this.#authorizer.decide(
          subjectOf(review.spec),
          accessOf(review.spec, isLocal ? namespace : undefined),
        );
        const kind = isLocal ? "LocalSubjectAccessReview" : "SubjectAccessReview";
        return json({ ...review, kind, status }, 201);
      }
    }
  }

  #rules(subject: Subject, namespace: string): object {
    const rules = this.#authorizer.rulesOf(subject, namespace).map(({ rule }) => rule);
    const isPath = (rule: (typeof rules)[number]): boolean => (rule.nonResourceURLs ?? []).length > 0;
    return {
      resourceRules: rules.filter((rule) => !isPath(rule)),
      nonResourceRules: rules.filter(isPath),
      incomplete: false,
    };
  }
}

type Question = ValueOf<typeof accessReviewSchema>["spec"];

function subjectOf({ user, groups }: Question): Subject {
  if (user === undefined && (groups ?? []).length === 0) {
    throw new WeftError("bad_input", "spec: a user or groups are required");
  }
  return { user: user ?? "", groups: groups ?? [], serviceAccount: serviceAccountOfUser(user ?? "") };
}

function accessOf(question: Question, namespace: string | undefined): AccessRequest {
  const { resourceAttributes: asked, nonResourceAttributes: path } = question;
  if ((asked === undefined) === (path === undefined)) {
    throw new WeftError("bad_input", "spec: either resourceAttributes or nonResourceAttributes is required");
  }
  if (path !== undefined) return { type: "path", verb: path.verb ?? "", path: path.path ?? "" };
  if (namespace !== undefined && asked?.namespace !== namespace) {
    throw new WeftError("bad_input", "spec.resourceAttributes.namespace must be the path's");
  }
  return {
    type: "resource",
    verb: asked?.verb ?? "",
    group: asked?.group ?? "",
    resource: asked?.resource ?? "",
    subresource: asked?.subresource ?? "",
    namespace: asked?.namespace ?? "",
    name: asked?.name ?? "",
  };
}

function decode<S extends TSchema>(schema: S, body: unknown): ValueOf<S> {
  const decoded = decodeMessage(schema, body, "request");
  if ("object" in decoded) return decoded.object;
  refuse(decoded.issues);
  throw new WeftError("bad_input", "the review cannot be read");
}
