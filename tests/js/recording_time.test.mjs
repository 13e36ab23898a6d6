/* Media time: how it is counted, placed in the time guide and written. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, fragmentMs } from "../../static/js/player.js";
import { MediaClock, placeOf } from "../../static/js/recording_time.js";

test("times are written as people read them", () => {
  const written = [0, 999, 1000, 59_999, 60_000, 75_000, 754_000, 3_600_000, 3_661_000, -5].map(clock);

  assert.deepEqual(written, [
    "0:00",
    "0:00",
    "0:01",
    "0:59",
    "1:00",
    "1:15",
    "12:34",
    "1:00:00",
    "1:01:01",
    "0:00",
  ]);
});

test("a fragment names a time", () => {
  assert.equal(fragmentMs("#t=95"), 95_000);
  assert.equal(fragmentMs("#t=95.25"), 95_250);
  assert.equal(fragmentMs("#t=95,120"), 95_000);
  assert.equal(fragmentMs("#t=0"), 0);
  for (const other of ["", "#", "#t=", "#t=a", "#t=-1", "#notes-L12", "t=5"]) {
    assert.equal(fragmentMs(other), null);
  }
});

test("pauses are left out of media time", () => {
  let now = 1000;
  const media = new MediaClock(() => now);

  assert.equal(media.ms, 0);
  media.run();
  now += 5000;
  assert.equal(media.ms, 5000);
  media.hold();
  now += 60_000;
  assert.equal(media.ms, 5000);
  assert.equal(media.isRunning, false);
  media.run();
  media.run();
  now += 2000;
  assert.equal(media.ms, 7000);
  assert.equal(media.isRunning, true);
});

test("pauses are remembered: where in the media, and how long", () => {
  let now = 1000;
  const media = new MediaClock(() => now);

  assert.deepEqual(media.pauses, []);
  media.wait();
  now += 320.4;
  media.run();
  now += 5000;
  media.hold();
  media.hold();
  now += 60_000;
  assert.deepEqual(media.pauses, [[0, 320]]);
  media.run();
  now += 2000;
  media.wait();
  media.hold();
  assert.deepEqual(media.pauses, [
    [0, 320],
    [5000, 60_000],
  ]);
  assert.equal(media.ms, 7000);
});

test("a second beginning forgets how long the first one waited", () => {
  let now = 0;
  const media = new MediaClock(() => now);

  media.wait();
  now += 9000;
  media.wait();
  now += 100;
  media.run();

  assert.deepEqual(media.pauses, [[0, 100]]);
});

test("more pauses than the server takes are not told", () => {
  let now = 0;
  const media = new MediaClock(() => now);
  for (let turn = 0; turn < 1200; turn += 1) {
    media.run();
    now += 10;
    media.hold();
    now += 10;
  }

  assert.equal(media.pauses.length, 1000);
});

test("a phase is past, now or ahead", () => {
  assert.equal(placeOf(0, 0, 10), "now");
  assert.equal(placeOf(599_999, 0, 10), "now");
  assert.equal(placeOf(600_000, 0, 10), "past");
  assert.equal(placeOf(600_000, 10, 15), "now");
  assert.equal(placeOf(599_999, 10, 15), "ahead");
});
