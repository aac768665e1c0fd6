/** Why a request goes where it goes: a question in a form or of a recent request, and the answer hop by hop. */
import { useEffect, useState } from "preact/hooks";
import type { Explanation, ServicesDocument } from "../api/documents.ts";
import { type ApiFailure, failureOf, meshPath, withQuery } from "../api/fetch-json.ts";
import { ExplanationView } from "../explain/explanation-view.tsx";
import {
  explain,
  explainRequest,
  methods,
  type Question,
  questionPath,
  readQuestion,
} from "../explain/question.ts";
import { resourcesEveryMs, useDocument } from "../live/use-document.ts";
import { PageHead } from "../parts/panel.tsx";
import { Empty, FailureNote, Waiting } from "../parts/states.tsx";
import { usePreferences } from "../preferences.ts";
import { navigate, useLocation } from "../router.ts";

type Answer =
  | { readonly kind: "none" }
  | { readonly kind: "waiting" }
  | { readonly kind: "failed"; readonly failure: ApiFailure }
  | { readonly kind: "explained"; readonly explanation: Explanation };

export function ExplainPage() {
  const { query } = useLocation();
  const address = query.toString();
  const [question, setQuestion] = useState<Question>(() => readQuestion(query));
  const [turn, setTurn] = useState(0);
  const answer = useAnswer(address, turn);
  const change = (part: Partial<Question>): void => setQuestion((before) => ({ ...before, ...part }));
  useEffect(() => setQuestion(readQuestion(new URLSearchParams(address))), [address]);
  return (
    <div class="page">
      <PageHead title="Explain" />
      <form
        class="tap-form"
        onSubmit={(event) => {
          event.preventDefault();
          navigate(questionPath(question), { replace: true });
          // The same question again is asked again.
          setTurn((before) => before + 1);
        }}
      >
        <Callers question={question} change={change} />
        <label class="field">
          <span>Method</span>
          <select
            value={question.method}
            onChange={(event) => change({ method: event.currentTarget.value, id: "" })}
          >
            {methods.map((method) => (
              <option key={method} value={method}>
                {method}
              </option>
            ))}
          </select>
        </label>
        <label class="field grow">
          <span>URL</span>
          <TextInput
            value={question.url}
            placeholder="http://reviews/products/1"
            onText={(url) => change({ url, id: "" })}
          />
        </label>
        <label class="field grow">
          <span>
            Headers <span class="quiet">one a line</span>
          </span>
          <textarea
            class="mono"
            rows={2}
            placeholder="x-tester: yes"
            spellcheck={false}
            maxLength={8_000}
            value={question.headers}
            onInput={(event) => change({ headers: event.currentTarget.value, id: "" })}
          />
        </label>
        <label class="field grow">
          <span>
            Or a recent request <span class="quiet">by its id</span>
          </span>
          <TextInput value={question.id} placeholder="" onText={(id) => change({ id })} />
        </label>
        <button class="button primary" type="submit" disabled={explainRequest(question) === undefined}>
          Explain
        </button>
      </form>
      <div aria-live="polite">
        <AnswerView answer={answer} />
      </div>
    </div>
  );
}

function Callers({
  question,
  change,
}: {
  readonly question: Question;
  readonly change: (part: Partial<Question>) => void;
}) {
  const { windowSeconds } = usePreferences();
  const services = useDocument<ServicesDocument>(
    withQuery(`${meshPath}/services`, { window: windowSeconds }),
    resourcesEveryMs,
  );
  const names = (services.data?.items ?? []).map(({ namespace, name }) => `${namespace}/${name}`).toSorted();
  return (
    <label class="field grow">
      <span>
        From <span class="quiet">a workload, a service, or gateway/…</span>
      </span>
      <TextInput
        value={question.from}
        placeholder="shop/frontend"
        list="callers"
        onText={(from) => change({ from, id: "" })}
      />
      <datalist id="callers">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </label>
  );
}

function TextInput({
  value,
  placeholder,
  list,
  onText,
}: {
  readonly value: string;
  readonly placeholder: string;
  readonly list?: string;
  readonly onText: (text: string) => void;
}) {
  return (
    <input
      type="text"
      class="mono"
      {...(list === undefined ? {} : { list })}
      placeholder={placeholder}
      autoComplete="off"
      spellcheck={false}
      maxLength={2_000}
      value={value}
      onInput={(event) => onText(event.currentTarget.value)}
    />
  );
}

function AnswerView({ answer }: { readonly answer: Answer }) {
  switch (answer.kind) {
    case "none":
      return (
        <Empty title="Ask about a request" icon="help">
          <p>
            Say who calls and where to, and see which rule takes the request, which policies are asked, and
            where it goes. Nothing is sent.
          </p>
        </Empty>
      );
    case "waiting":
      return <Waiting lines={6} />;
    case "failed":
      return <FailureNote failure={answer.failure} />;
    case "explained":
      return <ExplanationView explanation={answer.explanation} />;
  }
}

/** Asked once for each address of the page, and again for each turn. */
function useAnswer(address: string, turn: number): Answer {
  const [answer, setAnswer] = useState<Answer>({ kind: "none" });
  useEffect(() => {
    const request = explainRequest(readQuestion(new URLSearchParams(address)));
    if (request === undefined) {
      setAnswer({ kind: "none" });
      return undefined;
    }
    const abort = new AbortController();
    setAnswer({ kind: "waiting" });
    explain(request, abort.signal).then(
      (explanation) => setAnswer({ kind: "explained", explanation }),
      (cause: unknown) => {
        if (!abort.signal.aborted) setAnswer({ kind: "failed", failure: failureOf(cause) });
      },
    );
    return () => abort.abort();
  }, [address, turn]);
  return answer;
}
