/* The bar of the player: the heights of its wave, its thumbnails, what keys do on it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fragmentMs, KEYS, speedFrom } from "../../static/js/player.js";
import { keyedTo, strokes, thumbnailAt, within } from "../../static/js/player_bar.js";

test("each stroke is the loudest peak of its time", () => {
  const peaks = [0, 255, 51, 102, 0, 0];

  assert.deepEqual(strokes(peaks, { bucketMs: 100, durationMs: 600, count: 3 }), [1, 0.4, 0]);
  assert.deepEqual(strokes(peaks, { bucketMs: 100, durationMs: 600, count: 6 }).map((h) => h * 255), peaks);
});

test("a wave has as many strokes as there is room for, however few its peaks", () => {
  const heights = strokes([255, 51], { bucketMs: 1000, durationMs: 2000, count: 8 });

  assert.deepEqual(heights, [1, 1, 1, 1, 0.2, 0.2, 0.2, 0.2]);
});

test("a wave that begins late, or ends early, is silent there", () => {
  assert.deepEqual(strokes([255], { bucketMs: 1000, startMs: 1000, durationMs: 3000, count: 3 }), [0, 1, 0]);
});

test("a soft recording is drawn as tall as a loud one, noise is not", () => {
  assert.deepEqual(strokes([64, 32], { bucketMs: 1, durationMs: 2, count: 2 }), [1, 0.5]);
  assert.deepEqual(strokes([12, 0], { bucketMs: 1, durationMs: 2, count: 2 }), [0.5, 0]);
});

test("a time finds its thumbnail in the sprite", () => {
  const strip = { columns: 10, count: 23, everyMs: 6000, width: 160, height: 90 };

  assert.deepEqual(thumbnailAt(strip, 0), { x: 0, y: 0 });
  assert.deepEqual(thumbnailAt(strip, 5999), { x: 0, y: 0 });
  assert.deepEqual(thumbnailAt(strip, 6000), { x: 160, y: 0 });
  assert.deepEqual(thumbnailAt(strip, 65_000), { x: 0, y: 90 });
  assert.deepEqual(thumbnailAt(strip, 900_000), { x: 320, y: 180 }, "beyond the end the last");
  assert.deepEqual(thumbnailAt(strip, -300), { x: 0, y: 0 }, "before the start the first");
});

test("keys on the bar go five seconds, one with shift, a minute, to the ends", () => {
  const to = (key, isShort = false) => keyedTo(key, isShort, 100_000, 130_000);

  assert.deepEqual(["ArrowLeft", "ArrowRight", "PageDown", "PageUp", "Home", "End"].map((key) => to(key)), [
    95_000, 105_000, 40_000, 130_000, 0, 130_000,
  ]);
  assert.deepEqual([to("ArrowLeft", true), to("ArrowUp", true)], [99_000, 101_000]);
  assert.equal(to("x"), null);
});

test("what hovers stays inside its box", () => {
  assert.deepEqual([within(0, 160, 700), within(350, 160, 700), within(690, 160, 700), within(10, 900, 700)], [
    0, 270, 540, 0,
  ]);
});

test("speeds go from a half to twice, a quarter at a time", () => {
  assert.deepEqual([speedFrom(1, 1), speedFrom(1, -1), speedFrom(2, 1), speedFrom(0.5, -1), speedFrom(1.1, 0)], [
    1.25, 0.75, 2, 0.5, 1.25,
  ]);
});

test("no key of the player means two things, and fragments are read", () => {
  assert.equal(Object.keys(KEYS).join(""), " ArrowLeftArrowRight[]cmfs");
  assert.equal(fragmentMs("#t=95.5"), 95_500);
});
