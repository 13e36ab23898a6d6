/* Media time while it is recorded: how it is counted, and where it stands in the time guide. No DOM. */

const PAUSES_MOST = 1000;

/* Counts media time: what was recorded, pauses left out. `now` gives ms of any steady clock. */
export class MediaClock {
  #now;
  #before = 0;
  #since = null;
  #heldAt = null;
  #pauses = [];

  constructor(now = () => performance.now()) {
    this.#now = now;
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

/* Where a time stands to a span of minutes: "past", "now" or "ahead". */
export function placeOf(ms, startMinutes, endMinutes) {
  if (ms >= endMinutes * 60_000) return "past";
  return ms >= startMinutes * 60_000 ? "now" : "ahead";
}
