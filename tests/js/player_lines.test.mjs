/* The lines of a transcript: which is said, and which hold what is searched for. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { holds, lineAt } from "../../static/js/player_lines.js";

test("a moment belongs to the last line that has begun", () => {
  const at = (ms) => lineAt([0, 2000, 5000, 5000], ms);

  assert.deepEqual([-1, 0, 1999, 2000, 4999, 5000, 9000].map(at), [-1, 0, 0, 1, 1, 3, 3]);
  assert.equal(lineAt([], 5), -1);
});

test("a search finds all its words, in any order, case and accent", () => {
  assert.ok(holds("Wer zahlt für den Café-Betrieb?", "cafe FUR"));
  assert.ok(holds("Ask who is paged", "paged who"));
  assert.ok(!holds("Ask who is paged", "paged whom"));
});

test("the line is found at once among five thousand", () => {
  const starts = Array.from({ length: 5000 }, (_, place) => place * 1000);
  const began = performance.now();
  for (let ms = 0; ms < 5_000_000; ms += 500) lineAt(starts, ms);

  assert.ok(performance.now() - began < 200);
});
