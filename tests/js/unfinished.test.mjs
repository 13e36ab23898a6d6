/* What is offered of a recording that was left in this browser, by what the server says of it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { standingOf } from "../../static/js/unfinished.js";

const tracks = [
  { upload: "u1", total_bytes: 100 },
  { upload: "u2", total_bytes: 50 },
  { upload: "", total_bytes: 7 },
];
const status = (state, uploads) => ({ kind: "status", state, uploads });

for (const [name, row, answer, expected] of [
  ["it takes the rest", "recording", status("recording", { u1: 90, u2: 50 }), ["unfinished", 17]],
  ["it cannot be reached", "recorded", { kind: "later" }, ["unfinished", 157]],
  ["one is signed out", "recorded", { kind: "signed_out" }, ["unfinished", 157]],
  ["it has none", "recording", { kind: "refused", code: "gone" }, ["gone", 0]],
  ["finished without the rest", "recording", status("ready_partial", { u1: 90, u2: 50 }), ["cut", 17]],
  ["all of it is at work", "finished", status("processing", { u1: 100, u2: 50 }), ["wait", 7]],
  ["all of it is ready", "finished", status("ready", { u1: 100, u2: 50 }), ["done", 7]],
  ["ready without our knowing", "recorded", status("ready"), ["done", 157]],
  ["it could not be played", "finished", status("failed", { u1: 100, u2: 50 }), ["failed", 7]],
]) {
  test(`a recording that was left: ${name}`, () => {
    const { verdict, pendingBytes } = standingOf({ state: row, tracks }, answer);

    assert.deepEqual([verdict, pendingBytes], expected);
  });
}
