/* Which key means what, and where a key is somebody else's. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { actionOf } from "../../static/js/grading.js";

const TABLE = {
  " ": ["toggle"],
  ArrowLeft: ["step", -5000],
  ArrowRight: ["step", 5000],
  "[": ["speed", -1],
  "]": ["speed", 1],
  e: ["evidence"],
  x: ["signal"],
  0: ["choose", "0"],
  1: ["choose", "1"],
  4: ["choose", "4"],
  j: ["go", 1],
  k: ["go", -1],
  "?": ["help"],
};

test("the table of keys", () => {
  for (const [key, action] of Object.entries(TABLE)) {
    assert.deepEqual(actionOf({ key }), action, key);
  }
  for (const key of ["5", "p", "Enter", "Tab", "Escape", "constructor"]) {
    assert.equal(actionOf({ key }), null, key);
  }
});

test("no key acts while typing", () => {
  for (const key of Object.keys(TABLE)) {
    assert.equal(actionOf({ key, on: "typing" }), null, key);
  }
});

test("space and arrows belong to the control in focus", () => {
  for (const key of [" ", "ArrowLeft", "ArrowRight"]) {
    assert.equal(actionOf({ key, on: "control" }), null, key);
  }
  assert.deepEqual(actionOf({ key: "e", on: "control" }), ["evidence"]);
});

test("a modifier makes it the browser's, capitals do not", () => {
  assert.equal(actionOf({ key: "e", hasModifier: true }), null);
  assert.deepEqual(actionOf({ key: "J" }), ["go", 1]);
});
