/** A question's way into the page's address and back, and what is asked of the API for it. */
import { expect, test } from "bun:test";
import { explainRequest, type Question, questionPath, readQuestion } from "./question.ts";

const question: Question = {
  from: "shop/web",
  url: "http://reviews/a?b=c&d",
  method: "POST",
  headers: "x-a: 1\nx-b:  two: 2\nno header",
  id: "",
};

function reread(path: string): Question {
  return readQuestion(new URL(path, "http://dashboard").searchParams);
}

test("a question is read from its address as it was asked", () => {
  expect(reread(questionPath(question))).toEqual(question);
  const ofRequest = { from: "", url: "", method: "GET", headers: "", id: "0198-1" };
  expect(questionPath(ofRequest)).toBe("/explain?id=0198-1");
  expect(reread("/explain?id=0198-1")).toEqual(ofRequest);
});

test("lines of headers become names and values, and what is no header is left out", () => {
  expect(explainRequest(question)).toEqual({
    request: {
      from: { workload: "shop/web" },
      url: "http://reviews/a?b=c&d",
      method: "POST",
      headers: [
        ["x-a", "1"],
        ["x-b", "two: 2"],
      ],
    },
  });
});

test("a client at a gateway, a recent request, and too little", () => {
  expect(explainRequest({ ...question, from: "gateway/shop/door" })?.request?.from).toEqual({
    gateway: "shop/door",
  });
  expect(explainRequest({ ...question, id: " 7 " })).toEqual({ requestId: "7" });
  expect(explainRequest({ ...question, url: " " })).toBeUndefined();
});
