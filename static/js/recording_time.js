/* Media time while it is recorded: how it is counted, and where it stands in the time guide. No DOM. */

/* Counts media time: what was recorded, pauses left out. `now` gives ms of any steady clock. */
export class MediaClock {
  #now;
  #before = 0;
  #since = null;

  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  run() {
    this.#since ??= this.#now();
  }

  hold() {
    this.#before = this.ms;
    this.#since = null;
  }

  get isRunning() {
    return this.#since !== null;
  }

  get ms() {
    return this.#before + (this.#since === null ? 0 : this.#now() - this.#since);
  }
}

/* Where a time stands to a span of minutes: "past", "now" or "ahead". */
export function placeOf(ms, startMinutes, endMinutes) {
  if (ms >= endMinutes * 60_000) return "past";
  return ms >= startMinutes * 60_000 ? "now" : "ahead";
}
