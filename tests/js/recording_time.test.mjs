/* Media time: how it is counted, placed in the time guide and written. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { clock } from "../../static/js/clock.js";
import { fragmentMs } from "../../static/js/player.js";
import { MediaClock, Rate, phaseAt, placeOf } from "../../static/js/recording_time.js";

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

test("a recording that goes on keeps its time, and what it lay is a pause", () => {
  let now = 50_000;
  const clock = new MediaClock(() => now, { ms: 9_000, pauses: [[4_000, 500]], layMs: 60_000 });

  now += 2_000;
  clock.run();
  now += 1_500;

  assert.equal(clock.ms, 10_500);
  assert.deepEqual(clock.pauses, [
    [4_000, 500],
    [9_000, 62_000],
  ]);
});

test("the phase that is on says what is left of it, and afterwards how far over one is", () => {
  const steps = [
    { startMinutes: 0, endMinutes: 10 },
    { startMinutes: 10, endMinutes: 15 },
  ];

  assert.deepEqual(phaseAt(0, steps), { at: 0, leftMs: 600_000, doneShare: 0, overMs: 0 });
  assert.deepEqual(phaseAt(720_000, steps), { at: 1, leftMs: 180_000, doneShare: 0.4, overMs: 0 });
  assert.deepEqual(phaseAt(930_000, steps), { at: null, leftMs: 0, doneShare: 1, overMs: 30_000 });
  assert.equal(phaseAt(1, []).at, null);
});

test("a rate is that of the last seconds, and unknown at first", () => {
  let now = 0;
  const rate = new Rate(() => now);

  assert.equal(rate.note(0, 100_000), null);
  now = 2_000;
  assert.deepEqual(rate.note(20_000, 100_000), { bytesASecond: 10_000, leftMs: 8_000 });
  for (now = 4_000; now <= 20_000; now += 2_000) rate.note(20_000 + now, 100_000);
  now = 22_000;
  assert.equal(rate.note(42_000, 100_000).bytesASecond, 1_000);
});
