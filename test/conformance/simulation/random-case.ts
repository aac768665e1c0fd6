/** One random configuration with the requests that it is asked about, all from one seed. */
import type { Random } from "../authorization/random.ts";
import type { Applied, Question, Route } from "./applied.ts";
import { randomPolicies } from "./random-policies.ts";
import { randomQuestion } from "./random-questions.ts";
import { randomRoutes } from "./random-routes.ts";
import type { World } from "./world.ts";

/** Of so many requests each configuration is asked. */
export const questionsOfConfiguration = 25;

export interface Case {
  /** Beside the world's objects. */
  readonly objects: readonly Applied[];
  readonly questions: readonly Question[];
}

export function randomCase(random: Random, world: World, count = questionsOfConfiguration): Case {
  const routes: readonly Route[] = randomRoutes(random);
  const objects = [...routes, ...randomPolicies(random, routes, world)];
  const questions = Array.from({ length: count }, () =>
    randomQuestion(
      random,
      routes,
      `id-${Math.floor(random() * 2 ** 32).toString(36)}-${Math.floor(random() * 2 ** 32).toString(36)}`,
    ),
  );
  return { objects, questions };
}
