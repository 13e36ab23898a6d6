/* The bar of a player: the waveform, where one is, and going elsewhere by pointer and by keyboard alike.
 *
 * The server has drawn phases, marks and gaps; this draws what moves. A page may have several bars of one
 * player. What needs no page stands first.
 */

import { clock } from "./clock.js";

const GAP_PX = 1;
const BAR_PX = 2;
const NOISE = 24;
const KEY_STEPS_MS = {
  ArrowLeft: -5000,
  ArrowDown: -5000,
  ArrowRight: 5000,
  ArrowUp: 5000,
  PageDown: -60_000,
  PageUp: 60_000,
};

/* The heights, from 0 to 1, of so many strokes over a recording: each the loudest peak of its time.
 *
 * `peaks` are 0 to 255, one each `bucketMs` from `startMs` on. A soft recording is drawn as tall as a loud one,
 * noise alone is not.
 */
export function strokes(peaks, { bucketMs, startMs = 0, durationMs, count }) {
  const heights = [];
  const loudest = peaks.reduce((one, other) => Math.max(one, other), NOISE);
  for (let place = 0; place < count; place += 1) {
    const from = Math.floor(((place / count) * durationMs - startMs) / bucketMs);
    const to = Math.ceil((((place + 1) / count) * durationMs - startMs) / bucketMs);
    let highest = 0;
    for (let at = Math.max(0, from); at < Math.min(peaks.length, Math.max(to, from + 1)); at += 1) {
      highest = Math.max(highest, peaks[at]);
    }
    heights.push(highest / loudest);
  }
  return heights;
}

/* Where the thumbnail of a time lies in its sprite, in pixels from the top left. */
export function thumbnailAt({ columns, count, everyMs, width, height }, ms) {
  const place = Math.min(count - 1, Math.max(0, Math.floor(ms / everyMs)));
  return { x: (place % columns) * width, y: Math.floor(place / columns) * height };
}

/* Where a key press on the bar leads to, in ms; null where the key is not the bar's. */
export function keyedTo(key, isShort, ms, durationMs) {
  const ends = { Home: 0, End: durationMs };
  if (Object.hasOwn(ends, key)) return ends[key];
  if (!Object.hasOwn(KEY_STEPS_MS, key)) return null;
  const step = isShort && key.startsWith("Arrow") ? Math.sign(KEY_STEPS_MS[key]) * 1000 : KEY_STEPS_MS[key];
  return Math.min(durationMs, Math.max(0, ms + step));
}

/* A place that keeps to the box: so far from its left that a thing of this width stays inside. */
export function within(place, width, most) {
  return Math.max(0, Math.min(most - width, place - width / 2));
}

/* The waveform at an address, fetched once for all bars; null where there is none. */
const fetched = new Map();

function peaksOf(src) {
  if (!fetched.has(src)) {
    const read = (answer) => (answer.ok ? answer.json() : null);
    fetched.set(src, fetch(src).then(read).catch(() => null));
  }
  return fetched.get(src);
}

export class Bar {
  #root;
  #player;
  #track;
  #slider;
  #peek;
  #peaks = null;
  #isDragged = false;

  constructor(root, player) {
    this.#root = root;
    this.#player = player;
    this.#track = root.querySelector("[data-track]");
    this.#slider = root.querySelector("[data-slider]");
    this.#peek = root.querySelector("[data-peek]");
    this.#dress();
    this.#listen();
    this.#fetchPeaks();
    this.show();
  }

  /* Brings head, played part and slider up to the player's time. */
  show() {
    const { durationMs } = this.#player;
    const ms = this.#player.currentMs();
    this.#root.style.setProperty("--now", String(durationMs ? Math.min(1, ms / durationMs) : 0));
    this.#slider.setAttribute("aria-valuemax", String(Math.round(durationMs / 1000)));
    this.#slider.setAttribute("aria-valuenow", String(Math.round(ms / 1000)));
    this.#slider.setAttribute("aria-valuetext", this.#words(ms));
    if (document.activeElement === this.#slider && !this.#isDragged) this.#showPeek(ms);
  }

  /* One mark is in the tab order; the arrow keys go from mark to mark. Marks come and go: see to it anew. */
  rove(current) {
    const marks = this.#marks;
    const open = current ?? marks.find((mark) => mark.getAttribute("tabindex") === "0") ?? marks[0];
    for (const mark of marks) mark.setAttribute("tabindex", mark === open ? "0" : "-1");
  }

  /* A fresh link, for a wave that did not come by the last one. */
  takePeaks(src) {
    if (this.#peaks) return;
    this.#root.dataset.peaks = src;
    this.#fetchPeaks();
  }

  holds(mark) {
    return this.#marks.includes(mark);
  }

  get #marks() {
    return [...this.#root.querySelectorAll("[data-marks] [data-start-ms]")];
  }

  #words(ms) {
    const phase = this.#phaseAt(ms);
    const place = this.#player.said("of", { at: clock(ms), length: clock(this.#player.durationMs) });
    return phase ? `${place}, ${phase}` : place;
  }

  #phaseAt(ms) {
    const share = (100 * ms) / (this.#player.durationMs || 1);
    const phases = [...this.#root.querySelectorAll("[data-phase]")];
    return phases.findLast((phase) => Number(phase.dataset.share) <= share)?.dataset.phase ?? "";
  }

  #dress() {
    this.#slider.setAttribute("role", "slider");
    this.#slider.tabIndex = 0;
    this.#slider.setAttribute("aria-label", this.#player.said("position"));
    this.#slider.setAttribute("aria-valuemin", "0");
    this.#slider.hidden = false;
    this.#root.querySelector("[data-head]").hidden = false;
    this.rove();
  }

  #listen() {
    const slider = this.#slider;
    slider.addEventListener("keydown", (event) => this.#onKey(event));
    slider.addEventListener("pointerdown", (event) => this.#grab(event));
    slider.addEventListener("pointermove", (event) => this.#move(event));
    slider.addEventListener("pointerup", () => this.#drop());
    slider.addEventListener("pointercancel", () => this.#drop());
    slider.addEventListener("pointerleave", () => this.#hidePeek());
    slider.addEventListener("focus", () => slider.matches(":focus-visible") && this.#showPeek());
    slider.addEventListener("blur", () => this.#hidePeek());
    this.#root.addEventListener("keydown", (event) => this.#onMarkKey(event));
    for (const type of ["pointerover", "focusin"]) {
      this.#root.addEventListener(type, (event) => this.#peekAtMark(event));
    }
    for (const type of ["pointerout", "focusout"]) {
      this.#root.addEventListener(type, (event) => this.#markOf(event) && this.#hidePeek());
    }
    new MutationObserver(() => this.rove()).observe(this.#root, { childList: true, subtree: true });
    new ResizeObserver(() => this.#draw()).observe(this.#track);
    new MutationObserver(() => this.#draw()).observe(document.documentElement, {
      attributeFilter: ["data-theme"],
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  #markOf(event) {
    return event.target.closest("[data-marks] [data-start-ms]");
  }

  #peekAtMark(event) {
    const mark = this.#markOf(event);
    if (mark) this.#showPeek(Number(mark.dataset.startMs), mark.getAttribute("aria-label"));
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const ms = keyedTo(event.key, event.shiftKey, this.#player.currentMs(), this.#player.durationMs);
    if (ms === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.#player.seek(ms);
    this.#showPeek(ms);
  }

  #onMarkKey(event) {
    const marks = this.#marks;
    const here = marks.indexOf(document.activeElement);
    const last = marks.length - 1;
    const places = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last };
    if (here < 0 || !Object.hasOwn(places, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const mark = marks[Math.min(last, Math.max(0, places[event.key]))];
    this.rove(mark);
    mark.focus();
  }

  #msAt(event) {
    const { left, width } = this.#track.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / (width || 1)));
    return Math.round(share * this.#player.durationMs);
  }

  #grab(event) {
    if (event.button !== 0) return;
    this.#isDragged = true;
    this.#slider.setPointerCapture(event.pointerId);
    this.#move(event);
  }

  #move(event) {
    const ms = this.#msAt(event);
    this.#showPeek(ms);
    if (this.#isDragged) this.#player.seek(ms);
  }

  #drop() {
    this.#isDragged = false;
    this.#hidePeek();
  }

  #showPeek(ms = this.#player.currentMs(), said = this.#phaseAt(ms)) {
    const peek = this.#peek;
    peek.querySelector("[data-at]").textContent = clock(ms);
    peek.querySelector("[data-said]").textContent = said ?? "";
    this.#showThumbnail(peek.querySelector("[data-thumb]"), ms);
    peek.hidden = false;
    const share = ms / (this.#player.durationMs || 1);
    const most = this.#track.clientWidth;
    peek.style.setProperty("--place", `${within(share * most, peek.offsetWidth, most)}px`);
  }

  #showThumbnail(box, ms) {
    const strip = this.#player.strip;
    box.hidden = !strip;
    if (!strip) return;
    const { x, y } = thumbnailAt(strip, ms - strip.startMs);
    box.style.inlineSize = `${strip.width}px`;
    box.style.blockSize = `${strip.height}px`;
    box.style.backgroundImage = `url("${strip.src}")`;
    box.style.backgroundPosition = `-${x}px -${y}px`;
  }

  #hidePeek() {
    if (!this.#isDragged) this.#peek.hidden = true;
  }

  async #fetchPeaks() {
    const { peaks } = this.#root.dataset;
    if (!peaks) return;
    this.#peaks = await peaksOf(peaks);
    this.#draw();
  }

  /* Two pictures of the wave, the second in the colour of what is played; how much of it shows, CSS knows. */
  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#track;
    if (!this.#peaks || !width) return;
    const count = Math.floor(width / (BAR_PX + GAP_PX));
    const heights = strokes(this.#peaks.peaks, {
      bucketMs: this.#peaks.bucket_ms,
      startMs: Number(this.#root.dataset.peaksStartMs),
      durationMs: this.#player.durationMs,
      count,
    });
    for (const canvas of this.#root.querySelectorAll("canvas")) {
      const ratio = devicePixelRatio || 1;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const brush = canvas.getContext("2d");
      brush.scale(ratio, ratio);
      brush.fillStyle = getComputedStyle(canvas).color;
      heights.forEach((share, place) => {
        const tall = Math.max(1.5, share * (height - 8));
        brush.fillRect(place * (width / count), (height - tall) / 2, BAR_PX, tall);
      });
    }
  }
}
