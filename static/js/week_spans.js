/* A week of hours as its form holds it. Nothing here knows a page.
 *
 * A span is { day, start, end }: a weekday from 0 for Monday, minutes of its day; an end over 1440
 * lies in the next day, Sunday's on Monday. Minutes of the week run from Monday 00:00 and come round.
 */

export const DAY = 1440;
export const WEEK = 7 * DAY;
export const STEP = 30;

/* "18:10" or "1810" as a minute of the day, "24:00" as 1440; null for anything else. */
export function minuteOf(text) {
  const found = /^\s*(\d{1,2})[:.]?(\d{2})(?::\d{2})?\s*$/.exec(text);
  if (!found || found[2] > 59) return null;
  const minute = 60 * found[1] + Number(found[2]);
  return minute <= DAY ? minute : null;
}

const two = (number) => String(number).padStart(2, "0");

/* A minute as a field for times holds it: the end of the day is 00:00. */
export function textOf(minute) {
  return `${two(Math.floor(minute / 60) % 24)}:${two(minute % 60)}`;
}

/* A minute as people read it: the end of the day is 24:00. */
export function clock(minute) {
  return minute === DAY ? "24:00" : textOf(minute);
}

export function wordsOf(start, end) {
  return `${clock(start)}–${clock(end)}`;
}

/* The span that two fields say; null if they say none. */
export function spanOf(day, from, until) {
  const [first, last] = [minuteOf(from), minuteOf(until)];
  if (first === null || last === null) return null;
  const start = first % DAY;
  if (last % DAY === start) return start === 0 ? { day, start, end: DAY } : null;
  return { day, start, end: last > start ? last : last + DAY };
}

const beginOf = (span) => span.day * DAY + span.start;
const endOf = (span) => span.day * DAY + span.end;

function spanAt(begin, end) {
  const start = ((begin % WEEK) + WEEK) % WEEK;
  const day = Math.floor(start / DAY);
  return { day, start: start - day * DAY, end: start - day * DAY + end - begin };
}

/* The parts of [from, to) that are in a span, as [start, end] in order, those that touch as one. */
export function covered(spans, from, to) {
  const parts = spans
    .flatMap((span) => [0, -WEEK].map((turn) => [beginOf(span) + turn, endOf(span) + turn]))
    .map(([start, end]) => [Math.max(start, from), Math.min(end, to)])
    .filter(([start, end]) => start < end)
    .sort(([one], [other]) => one - other);
  const joined = [];
  for (const [start, end] of parts) {
    const last = joined.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

export function isCovered(spans, from, to) {
  const [first] = covered(spans, from, to);
  return first !== undefined && first[0] === from && first[1] === to;
}

/* The spans without [from, to). One that is not met stays the very same object. */
export function erase(spans, from, to) {
  return spans.flatMap((span) => {
    let parts = [[beginOf(span), endOf(span)]];
    for (const turn of [0, WEEK]) {
      const [first, last] = [from + turn, to + turn];
      parts = parts.flatMap(([start, end]) =>
        last <= start || end <= first
          ? [[start, end]]
          : [
              [start, Math.min(end, first)],
              [Math.max(start, last), end],
            ].filter(([one, other]) => one < other),
      );
    }
    const [only] = parts;
    const isWhole = parts.length === 1 && only[0] === beginOf(span) && only[1] === endOf(span);
    return isWhole ? [span] : parts.map(([start, end]) => spanAt(start, end));
  });
}

/* The spans with [from, to), which lies in one day, joined to those it touches within that day. */
export function paint(spans, from, to) {
  if (isCovered(spans, from, to)) return spans;
  let [begin, end] = [from, to];
  let others = erase(spans, from, to);
  const take = (test) => {
    const found = others.find(test);
    if (found) others = others.filter((one) => one !== found);
    return found;
  };
  const length = (span) => span.end - span.start;
  const before = take(
    (span) => from % DAY !== 0 && endOf(span) % WEEK === from && length(span) + to - from <= DAY,
  );
  if (before) begin -= length(before);
  const after = take(
    (span) => to % DAY !== 0 && beginOf(span) === to % WEEK && length(span) + end - begin <= DAY,
  );
  if (after) end += length(after);
  return [...others, spanAt(begin, end)];
}

export function inOrder(spans) {
  return [...spans].sort((one, other) => beginOf(one) - beginOf(other) || one.end - other.end);
}

/* What to draw: for each span one block, or two where it reaches into the next day. */
export function blocks(spans) {
  return inOrder(spans).flatMap((span) => {
    const words = wordsOf(span.start, span.end);
    if (span.end <= DAY) return [{ ...span, words, isCut: false, isRest: false }];
    return [
      { ...span, end: DAY, words, isCut: true, isRest: false },
      { day: (span.day + 1) % 7, start: 0, end: span.end - DAY, words, isCut: false, isRest: true },
    ];
  });
}

export function minutesOn(spans, day) {
  return covered(spans, day * DAY, (day + 1) * DAY).reduce((sum, [start, end]) => sum + end - start, 0);
}
