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
  p: ["press", "phase"],
  w: ["press", "why"],
  u: ["undo"],
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
  for (const key of ["5", "r", "Enter", "Tab", "Escape", "constructor"]) {
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

test("a rung is the digit's key where it gives no digit", () => {
  assert.deepEqual(actionOf({ key: "!", code: "Digit1", hasShift: true }), ["press", "rung:1"]);
  assert.deepEqual(actionOf({ key: "$", code: "Digit4", hasShift: true }), ["press", "rung:4"]);
  assert.deepEqual(actionOf({ key: "&", code: "Digit1" }), ["press", "rung:1"]); // a French keyboard
  assert.deepEqual(actionOf({ key: "1", code: "Digit1", hasShift: true }), ["choose", "1"]);
  assert.deepEqual(actionOf({ key: "1", code: "Numpad1" }), ["choose", "1"]);
  assert.equal(actionOf({ key: "%", code: "Digit5", hasShift: true }), null);
  assert.equal(actionOf({ key: "!", code: "Digit1", hasShift: true, on: "typing" }), null);
});

test("with Shift a why is the first of a new line, with the capitals on it is not", () => {
  assert.deepEqual(actionOf({ key: "W", code: "KeyW", hasShift: true }), ["press", "why:new"]);
  assert.deepEqual(actionOf({ key: "W", code: "KeyW" }), ["press", "why"]);
});

test("a modifier makes it the browser's, capitals do not", () => {
  assert.equal(actionOf({ key: "e", hasModifier: true }), null);
  assert.deepEqual(actionOf({ key: "J" }), ["go", 1]);
});
