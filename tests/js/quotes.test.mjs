/* Where the keys lead in a list of lines. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { movedTo } from "../../static/js/quotes.js";

test("keys move from line to line and stop at the ends", () => {
  assert.equal(movedTo("ArrowDown", 0, 3), 1);
  assert.equal(movedTo("ArrowDown", 2, 3), 2);
  assert.equal(movedTo("ArrowUp", 0, 3), 0);
  assert.equal(movedTo("PageDown", 0, 3), 2);
  assert.equal(movedTo("Home", 2, 3), 0);
  assert.equal(movedTo("End", 0, 3), 2);
  assert.equal(movedTo("e", 0, 3), null);
  assert.equal(movedTo("ArrowLeft", 0, 3), null);
});
