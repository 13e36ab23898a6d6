/* Hours painted and erased by half hours, in a week that comes round. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  DAY,
  WEEK,
  blocks,
  covered,
  erase,
  inOrder,
  isCovered,
  minuteOf,
  minutesOn,
  paint,
  spanOf,
  textOf,
} from "../../static/js/week_spans.js";

const at = (day, time) => day * DAY + minuteOf(time);
const [MON, TUE, SUN] = [0, 1, 6];
const told = (spans) =>
  inOrder(spans).map((span) => `${span.day} ${textOf(span.start)}–${textOf(span.end)}`);
const evening = spanOf(MON, "18:10", "22:00");
const night = spanOf(SUN, "22:00", "02:30");

test("times are read as people write them", () => {
  assert.deepEqual(
    ["18:10", "9:05", "0905", "18.10", "18:10:00", "24:00", "24:01", "12:60", "noon", ""].map(minuteOf),
    [1090, 545, 545, 1090, 1090, 1440, null, null, null, null],
  );
});

test("an end before its start is the next day's, midnight twice is the whole day", () => {
  assert.deepEqual(spanOf(MON, "22:00", "02:30"), { day: 0, start: 1320, end: 1590 });
  assert.deepEqual(spanOf(MON, "22:00", "00:00"), { day: 0, start: 1320, end: 1440 });
  assert.deepEqual(spanOf(MON, "00:00", "00:00"), { day: 0, start: 0, end: 1440 });
  assert.equal(spanOf(MON, "18:00", "18:00"), null);
  assert.equal(spanOf(MON, "18:00", ""), null);
});

test("what is painted elsewhere leaves odd minutes alone", () => {
  const painted = paint([evening], at(TUE, "18:00"), at(TUE, "18:30"));

  assert.equal(painted[0], evening);
  assert.deepEqual(told(painted), ["0 18:10–22:00", "1 18:00–18:30"]);
});

test("what is painted beside a span, or over its edge, becomes one with it", () => {
  assert.deepEqual(told(paint([evening], at(MON, "22:00"), at(MON, "22:30"))), ["0 18:10–22:30"]);
  assert.deepEqual(told(paint([evening], at(MON, "18:00"), at(MON, "18:30"))), ["0 18:00–22:00"]);
  assert.deepEqual(told(paint([evening], at(MON, "17:00"), at(MON, "24:00"))), ["0 17:00–00:00"]);
  assert.deepEqual(
    told(paint([evening, spanOf(MON, "23:00", "23:30")], at(MON, "22:00"), at(MON, "23:00"))),
    ["0 18:10–23:30"],
  );
});

test("what is covered already is not painted again", () => {
  const spans = [evening, night];

  assert.equal(paint(spans, at(MON, "00:00"), at(MON, "02:30")), spans);
});

test("painting joins nothing across midnight, and nothing to more than a day", () => {
  const late = spanOf(MON, "22:00", "00:00");
  const whole = spanOf(TUE, "00:00", "00:00");

  assert.deepEqual(told(paint([late], at(TUE, "00:00"), at(TUE, "01:00"))), [
    "0 22:00–00:00",
    "1 00:00–01:00",
  ]);
  assert.deepEqual(told(paint([{ day: MON, start: 600, end: 1980 }], at(TUE, "09:00"), at(TUE, "12:00"))), [
    "0 10:00–09:00",
    "1 09:00–12:00",
  ]);
  assert.equal(paint([whole], at(TUE, "08:00"), at(TUE, "09:00")).length, 1);
});

test("erasing cuts spans, over midnight and over the end of the week too", () => {
  assert.deepEqual(told(erase([evening], at(MON, "19:00"), at(MON, "20:00"))), [
    "0 18:10–19:00",
    "0 20:00–22:00",
  ]);
  assert.deepEqual(told(erase([evening], at(MON, "18:00"), at(MON, "22:00"))), []);
  assert.deepEqual(told(erase([night], at(MON, "00:30"), at(MON, "01:00"))), [
    "0 01:00–02:30",
    "6 22:00–00:30",
  ]);
  assert.deepEqual(told(erase([night], at(SUN, "23:00"), WEEK)), ["0 00:00–02:30", "6 22:00–23:00"]);
  assert.equal(erase([evening], at(TUE, "18:00"), at(TUE, "19:00"))[0], evening);
});

test("a half hour may be free in part", () => {
  assert.deepEqual(covered([evening], at(MON, "18:00"), at(MON, "18:30")), [
    [at(MON, "18:10"), at(MON, "18:30")],
  ]);
  assert.ok(isCovered([evening], at(MON, "18:30"), at(MON, "19:00")));
  assert.ok(isCovered([night], at(MON, "02:00"), at(MON, "02:30")));
  assert.ok(!isCovered([night], at(MON, "02:30"), at(MON, "03:00")));
  const touching = [spanOf(MON, "18:00", "18:15"), spanOf(MON, "18:15", "19:00")];
  assert.ok(isCovered(touching, at(MON, "18:00"), at(MON, "18:30")));
});

test("a span over midnight is drawn in both days, and counted in both", () => {
  assert.deepEqual(
    blocks([night]).map(({ day, start, end, isRest }) => [day, start, end, isRest]),
    [
      [6, 1320, 1440, false],
      [0, 0, 150, true],
    ],
  );
  assert.deepEqual([minutesOn([night], SUN), minutesOn([night], MON)], [120, 150]);
});

test("painting and erasing at random keep each half hour as it was last set", () => {
  let seed = 7;
  const draw = (most) => (seed = (seed * 16807) % 2147483647) % most;
  for (let round = 0; round < 200; round += 1) {
    let spans = [];
    const free = new Set();
    for (let step = 0; step < 30; step += 1) {
      const day = draw(7);
      const first = draw(48);
      const last = first + 1 + draw(48 - first);
      const isPainted = draw(2) === 1;
      const change = isPainted ? paint : erase;
      spans = change(spans, day * DAY + first * 30, day * DAY + last * 30);
      for (let cell = first; cell < last; cell += 1) free[isPainted ? "add" : "delete"](day * 48 + cell);
    }
    for (let cell = 0; cell < 7 * 48; cell += 1) {
      assert.equal(isCovered(spans, cell * 30, cell * 30 + 30), free.has(cell));
      if (!free.has(cell)) assert.equal(covered(spans, cell * 30, cell * 30 + 30).length, 0);
    }
    assert.ok(spans.every(({ start, end }) => start >= 0 && start < DAY && end > start && end <= start + DAY));
  }
});
