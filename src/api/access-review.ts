/** Questions about rights, in the shape of Kubernetes' authorization.k8s.io/v1 and authentication.k8s.io/v1: `kubectl auth can-i` asks them. */
import Type from "typebox";
import { anyText } from "./formats.ts";
import { flag, list, object, opaque, optional, text, type ValueOf } from "./schema.ts";

const maxGroups = 256;
const maxRules = 10_000;

const resourceAttributesSchema = object("What is asked about.", {
  namespace: optional(text("Empty: all of them, or of what lives in none.", anyText)),
  verb: optional(text("Such as get.", anyText)),
  group: optional(text("The resource's group.", anyText)),
  version: optional(text("Not looked at.", anyText)),
  resource: optional(text("The plural.", anyText)),
  subresource: optional(text("Such as status.", anyText)),
  name: optional(text("Empty: no single object.", anyText)),
  fieldSelector: optional(opaque("Not looked at.")),
  labelSelector: optional(opaque("Not looked at.")),
});

const questionFields = {
  resourceAttributes: optional(resourceAttributesSchema),
  nonResourceAttributes: optional(
    object("A path that is no resource.", {
      path: optional(text("The path.", anyText)),
      verb: optional(text("Such as get.", anyText)),
    }),
  ),
};
const personFields = {
  user: optional(text("Who.", anyText)),
  groups: optional(list("Their groups.", text("A group.", anyText), { max: maxGroups })),
  uid: optional(text("Not looked at.", anyText)),
  extra: optional(opaque("Not looked at.")),
};

function reviewFields(group: "authorization" | "authentication") {
  return {
    apiVersion: Type.Literal(`${group}.k8s.io/v1`, { default: `${group}.k8s.io/v1` }),
    kind: optional(text("The review's kind.", anyText)),
    metadata: optional(Type.Unknown({ description: "Not looked at." })),
  };
}

const answerSchema = object("The answer.", {
  allowed: flag("Whether they may."),
  denied: optional(flag("Never: roles only allow.")),
  reason: optional(text("What allows it, or what is missing.", anyText)),
  evaluationError: optional(text("Never.", anyText)),
});

/** For both: whoever asks about themselves names nobody. */
export const accessReviewSchema = object("May somebody do something.", {
  ...reviewFields("authorization"),
  spec: object("The question.", { ...questionFields, ...personFields }, { default: {} }),
  status: optional(answerSchema),
});
export type AccessReview = ValueOf<typeof accessReviewSchema>;

const ruleListSchema = list("Rules.", opaque("A rule."), { max: maxRules });

export const rulesReviewSchema = object("What may I do in a namespace.", {
  ...reviewFields("authorization"),
  spec: object("The question.", { namespace: optional(text("The namespace.", anyText)) }, { default: {} }),
  status: optional(
    object("The answer.", {
      resourceRules: ruleListSchema,
      nonResourceRules: ruleListSchema,
      incomplete: flag("Never: all roles are looked at."),
      evaluationError: optional(text("Never.", anyText)),
    }),
  ),
});

export const subjectReviewSchema = object("Who am I.", {
  ...reviewFields("authentication"),
  status: optional(
    object("The answer.", {
      userInfo: object("Whom the server takes you for.", {
        username: optional(text("The user.", anyText)),
        uid: optional(text("The user's id where they proved themselves.", anyText)),
        groups: optional(list("Their groups.", text("A group.", anyText), { max: maxRules })),
        extra: optional(opaque("How they proved it.")),
      }),
    }),
  ),
});
export type SubjectReview = ValueOf<typeof subjectReviewSchema>;
