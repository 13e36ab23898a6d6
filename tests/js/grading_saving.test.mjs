/* When a draft is sent, sent again and said to be kept. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MOST_MS, QUIET_MS, RETRY_MS, Saving } from "../../static/js/grading_draft.js";

/* A page whose text is `text`, a clock moved by hand, and a server that answers what it is told. */
function desk(...answers) {
  const told = { text: "", sent: [], said: [], timers: [], now: 0 };
  const saving = new Saving({
    snapshot: () => told.text,
    send: async (body) => {
      told.sent.push(body);
      return answers.shift() ?? { kind: "kept" };
    },
    show: (kind) => told.said.push(kind),
    later: (run, ms) => told.timers.push({ run, ms }),
    now: () => told.now,
    cancel: (number) => {
      if (number) told.timers[number - 1].isOff = true;
    },
  });
  const type = (text) => {
    told.text = text;
    saving.changed();
  };
  const wait = async () => {
    const timer = told.timers.findLast((one) => !one.isOff);
    timer.isOff = true;
    await timer.run();
    return timer.ms;
  };
  return { told, saving, type, wait };
}

test("what is typed is sent once, when the hands rest", async () => {
  const { told, saving, type, wait } = desk();

  type("a");
  type("ab");
  assert.equal(saving.isUnsaved, true);
  assert.equal(await wait(), QUIET_MS);

  assert.deepEqual(told.sent, ["ab"]);
  assert.deepEqual(told.said, ["waiting", "waiting", "kept"]);
  assert.equal(saving.isUnsaved, false);
  assert.ok(QUIET_MS < 3000);
});

test("who types without a rest is saved within five seconds", async () => {
  const { told, type, wait } = desk();

  for (const text of ["a", "ab", "abc", "abcd"]) {
    type(text);
    told.now += QUIET_MS - 100;
  }

  assert.equal(await wait(), 0);
  assert.deepEqual(told.sent, ["abcd"]);
  assert.ok(MOST_MS < 5000);
});

test("a request without an answer is sent again as it was, and only then what came since", async () => {
  const { told, saving, type, wait } = desk({ kind: "lost" }, { kind: "lost" });

  type("a");
  await wait();
  type("ab");
  assert.equal(await wait(), RETRY_MS[0]);
  assert.equal(await wait(), RETRY_MS[1]);
  assert.deepEqual(told.sent, ["a", "a", "a"]);
  assert.equal(saving.isUnsaved, true);

  await wait();

  assert.deepEqual(told.sent, ["a", "a", "a", "ab"]);
  assert.equal(saving.isUnsaved, false);
});

test("one request is on its way at a time", async () => {
  let answer;
  const { told, saving, type, wait } = desk(new Promise((resolve) => (answer = resolve)));

  type("a");
  const first = wait();
  type("ab");
  saving.now();
  assert.deepEqual(told.sent, ["a"]);
  const settled = saving.settled();
  answer({ kind: "kept" });
  await first;

  assert.equal(await settled, false);
  await wait();
  assert.deepEqual(told.sent, ["a", "ab"]);
  assert.equal(await saving.settled(), true);
});

test("what the server refuses waits for the next change and stays unsaved", async () => {
  const { told, saving, type, wait } = desk({ kind: "refused" });

  type("wrong");
  await wait();
  assert.equal(saving.isUnsaved, true);
  type("right");
  await wait();

  assert.deepEqual(told.sent, ["wrong", "right"]);
  assert.equal(saving.isUnsaved, false);
});

test("after a conflict nothing more is sent", async () => {
  const { told, saving, type, wait } = desk({ kind: "closed" });

  type("mine");
  await wait();
  type("mine too");
  saving.now();

  assert.deepEqual(told.sent, ["mine"]);
  assert.equal(saving.isUnsaved, true);
});

test("a heartbeat sends the draft though nothing has changed", async () => {
  const { told, saving, wait } = desk();

  saving.now();
  assert.equal(await wait(), 0);

  assert.deepEqual(told.sent, [""]);
});

test("what is typed on after the answer is gone is kept, too", async () => {
  const { told, saving, type, wait } = desk({ kind: "over" }, { kind: "over" });

  type("a");
  await wait();
  assert.equal(saving.isUnsaved, false);
  type("ab");
  await wait();

  assert.deepEqual(told.sent, ["a", "ab"]);
  assert.deepEqual(told.said, ["waiting", "over", "waiting", "over"]);
  assert.equal(saving.isUnsaved, false);
});

test("what leaves with the form is not sent beside it, and is once the page is back", async () => {
  const { told, saving, type, wait } = desk();

  type("a");
  saving.hold();
  assert.ok(told.timers.every((one) => one.isOff));
  type("ab");
  assert.ok(told.timers.every((one) => one.isOff));
  assert.equal(saving.isUnsaved, true);

  saving.goOn();
  await wait();
  assert.deepEqual(told.sent, ["ab"]);
});
