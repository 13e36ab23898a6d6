/* Media time while it is recorded: how it is counted, and where it stands in the time guide. No DOM. */

const PAUSES_MOST = 1000;
const RATE_MS = 8_000;
const RATE_LEAST_MS = 1_000;

/* Counts media time: what was recorded, pauses left out. `now` gives ms of any steady clock.
 *
 * A recording that goes on brings the time and the pauses that it had, and for how long it lay.
 */
export class MediaClock {
  #now;
  #before;
  #since = null;
  #heldAt = null;
  #pauses;

  constructor(now = () => performance.now(), { ms = 0, pauses = [], layMs = null } = {}) {
    this.#now = now;
    this.#before = ms;
    this.#pauses = pauses.map((pause) => [...pause]);
    if (layMs !== null) this.#heldAt = now() - layMs;
  }

  /* From now on until it runs, it pauses. */
  wait() {
    if (this.#since === null) this.#heldAt = this.#now();
  }

  run() {
    if (this.#since !== null) return;
    this.#since = this.#now();
    if (this.#heldAt !== null) this.#pause(this.#since - this.#heldAt);
    this.#heldAt = null;
  }

  hold() {
    if (this.#since !== null) this.#heldAt = this.#now();
    this.#before = this.ms;
    this.#since = null;
  }

  /* The pauses so far, each as [ms of media time at which it was, ms that it lasted]. */
  get pauses() {
    return this.#pauses.map(([at, lasted]) => [Math.round(at), Math.round(lasted)]);
  }

  #pause(ms) {
    if (this.#pauses.length < PAUSES_MOST) this.#pauses.push([this.#before, ms]);
  }

  get isRunning() {
    return this.#since !== null;
  }

  get ms() {
    return this.#before + (this.#since === null ? 0 : this.#now() - this.#since);
  }
}

/* What the time guide says at a time: the step that is on, how much of it is left, and how far over
 * all of them the time is. `steps` have startMinutes and endMinutes, in order. */
export function phaseAt(ms, steps) {
  const at = steps.findIndex((step) => placeOf(ms, step.startMinutes, step.endMinutes) === "now");
  const endMs = 60_000 * (steps.at(-1)?.endMinutes ?? 0);
  if (at < 0) return { at: null, leftMs: 0, doneShare: 1, overMs: Math.max(0, ms - endMs) };
  const { startMinutes, endMinutes } = steps[at];
  const leftMs = 60_000 * endMinutes - ms;
  return { at, leftMs, doneShare: 1 - leftMs / (60_000 * (endMinutes - startMinutes)), overMs: 0 };
}

/* How fast something is sent and how long the rest takes, over the last seconds of it. */
export class Rate {
  #now;
  #samples = [];

  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /* Notes that so many bytes are sent by now; returns { bytesASecond, leftMs }, null at first. */
  note(sent, total) {
    const at = this.#now();
    this.#samples.push({ at, sent });
    while (this.#samples.length > 2 && at - this.#samples[1].at > RATE_MS) this.#samples.shift();
    const [first] = this.#samples;
    if (sent <= first.sent || at - first.at < RATE_LEAST_MS) return null;
    const bytesASecond = (1000 * (sent - first.sent)) / (at - first.at);
    return { bytesASecond, leftMs: (1000 * (total - sent)) / bytesASecond };
  }
}

/* Where a time stands to a span of minutes: "past", "now" or "ahead". */
export function placeOf(ms, startMinutes, endMinutes) {
  if (ms >= endMinutes * 60_000) return "past";
  return ms >= startMinutes * 60_000 ? "now" : "ahead";
}
