/** The form of a file of tests. */
import Type from "typebox";
import { integer, list, object, oneOf, optional, text, textMap } from "../../api/index.ts";

const maxTests = 5_000;
const maxNames = 200;
const anything = { min: 0, max: 4_096 };
const name = { min: 1, max: 256 };
const duration = {
  min: 2,
  max: 32,
  pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$",
  expected: "a duration such as 3s or 500ms; 0s is none",
};

const word = (description: string) => text(description, name);
const fraction = Type.Number({ description: "Share of requests, from 0 to 1.", minimum: 0, maximum: 1 });

const requestSchema = object("The request.", {
  url: text(
    "As the caller writes it: http://reviews/x, grpc://ratings:9080/pkg.Service/Method, tcp://10.0.0.3:5432.",
    {
      min: 1,
      max: 4_096,
    },
  ),
  method: optional(word("Default: GET; of gRPC POST.")),
  headers: optional(textMap("Header fields.", name, anything, maxNames)),
  id: optional(word("Its x-request-id, by which shares are drawn.")),
  bodyBytes: optional(integer("Length of its body.", 0, Number.MAX_SAFE_INTEGER)),
  claims: optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: "Taken as the claims of a valid token.",
    }),
  ),
});

const headersSchema = object("Of the request as it leaves the last proxy that is known.", {
  equals: optional(textMap("Fields that have just this value.", name, anything, maxNames)),
  added: optional(
    list("Fields that are there and were not in the request as it was made.", word("Name."), {
      max: maxNames,
    }),
  ),
  absent: optional(list("Fields that are not there.", word("Name."), { max: maxNames })),
});

const expectSchema = object("What becomes of it. What is not written is not looked at.", {
  verdict: optional(oneOf("Who says what.", ["forwarded", "answered", "denied", "refused", "unknown"])),
  backend: optional(word("Service that it goes to: name, namespace/name, or namespace/name:port.")),
  status: optional(integer("HTTP status that a proxy answers with.", 100, 599)),
  reason: optional(word("Reason code.")),
  route: optional(word("Route that it takes: name, or namespace/name; with its rule after a space.")),
  policy: optional(word("Policy that denies it or answers: name, or namespace/name.")),
  timeout: optional(text("For all tries together.", duration)),
  retries: optional(integer("Tries after the first.", 0, 1_000)),
  headers: optional(headersSchema),
  share: optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 256 }), fraction, {
      description: "Of the rule that it takes, how much goes to each backend.",
      maxProperties: maxNames,
    }),
  ),
});

export const requestTestSchema = object("Tests of what becomes of requests.", {
  apiVersion: optional(oneOf("Version of this form.", ["local.weft.dev/v1alpha1"])),
  kind: optional(oneOf("What the file is.", ["RequestTest"])),
  configuration: list("Files and folders with the configuration, from this file's folder.", word("Path."), {
    max: maxNames,
    default: [],
  }),
  tests: list(
    "The tests.",
    object("One test.", {
      name: word("What is shown of it. No two of a file have one name."),
      from: word(
        "Who calls: a workload or Service by name or namespace/name; gateway/NAME for a client from outside.",
      ),
      client: optional(word("Address of a client from outside.")),
      request: requestSchema,
      expect: expectSchema,
    }),
    { min: 1, max: maxTests },
  ),
});
