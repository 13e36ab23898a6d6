/* Times as people read them: 75 000 ms is 1:15, an hour is 1:00:00. No DOM. */

export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const padded = [minutes, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return hours ? [hours, ...padded].join(":") : `${minutes}:${padded[1]}`;
}

/* The time of a media fragment such as "#t=95" or "#t=95.5,120", in ms; null where it is none. */
export function fragmentMs(hash) {
  const match = /^#t=(\d+(?:\.\d+)?)(?:,.*)?$/.exec(hash);
  return match ? Math.round(Number(match[1]) * 1000) : null;
}

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
