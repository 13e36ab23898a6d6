/* The player's own bar: marks that seek, the time, and a small interface for the page's other modules.
 *
 * The browser's native controls do the rest. Other modules find the interface as `player` on the
 * element, or by `playerIn(scope)`; they hear `player:ready` once and `player:time` as it plays.
 * Links to "#t=95" and elements with data-start-ms anywhere in the scope seek the player.
 */

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const SEEKERS = "[data-start-ms], a[href^='#t=']";

export function attach(root) {
  const player = new Player(root);
  root.player = player;
  root.dispatchEvent(new CustomEvent("player:ready", { bubbles: true, detail: player }));
}

/* A time as people read it: 75 000 ms is 1:15, an hour is 1:00:00. */
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

/* The first player in the scope, or null where none is attached yet. */
export function playerIn(scope = document) {
  return scope.querySelector("[data-behaviour~=player]")?.player ?? null;
}

class Player {
  #root;
  #media;
  #scope;

  constructor(root) {
    this.#root = root;
    this.#media = root.querySelector("video, audio");
    this.#scope = root.closest("[data-player-scope]") ?? document;
    this.#listen();
    this.refresh();
    this.#seekTo(fragmentMs(location.hash));
    this.#tell();
  }

  /* The native element. */
  get media() {
    return this.#media;
  }

  get isPlaying() {
    return !this.#media.paused && !this.#media.ended;
  }

  get rate() {
    return this.#media.playbackRate;
  }

  durationMs() {
    const told = Number(this.#root.dataset.durationMs);
    return told || Math.round(1000 * (Number.isFinite(this.#media.duration) ? this.#media.duration : 0));
  }

  currentMs() {
    return Math.round(this.#media.currentTime * 1000);
  }

  /* Goes to a time and stays as it was, playing or not. */
  seek(ms) {
    const most = this.durationMs() || Infinity;
    const seconds = Math.min(Math.max(0, ms), most) / 1000;
    if (this.#media.readyState >= HTMLMediaElement.HAVE_METADATA) {
      this.#media.currentTime = seconds;
      return;
    }
    this.#media.addEventListener("loadedmetadata", () => (this.#media.currentTime = seconds), {
      once: true,
    });
  }

  step(ms) {
    this.seek(this.currentMs() + ms);
  }

  play() {
    return this.#media.play().catch(() => {});
  }

  pause() {
    this.#media.pause();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  /* Goes so many steps faster, or slower below zero, and returns the new rate. */
  speed(steps) {
    const nearest = SPEEDS.findIndex((speed) => speed >= this.rate);
    const place = Math.min(SPEEDS.length - 1, Math.max(0, nearest + steps));
    this.#media.playbackRate = SPEEDS[place];
    return this.rate;
  }

  /* Places the marks anew; the player does so by itself when marks come and go. */
  refresh() {
    const duration = this.durationMs();
    for (const mark of this.#marks) {
      const start = Number(mark.dataset.startMs);
      const end = Number(mark.dataset.endMs) || start;
      mark.style.setProperty("--start", String(duration ? Math.min(1, start / duration) : 0));
      mark.style.setProperty("--length", String(duration ? Math.min(1, (end - start) / duration) : 0));
    }
    this.#rove(this.#marks.find((mark) => mark.tabIndex === 0) ?? this.#marks[0]);
  }

  get #marks() {
    return [...this.#root.querySelectorAll("[data-marks] [data-start-ms]")];
  }

  #listen() {
    for (const type of ["timeupdate", "seeked", "play", "pause", "ended", "ratechange"]) {
      this.#media.addEventListener(type, () => this.#tell());
    }
    this.#media.addEventListener("loadedmetadata", () => this.refresh());
    this.#media.addEventListener("error", () => this.#fail());
    this.#media.querySelector("source")?.addEventListener("error", () => this.#fail());
    this.#scope.addEventListener("click", (event) => this.#onClick(event));
    const bar = this.#root.querySelector("[data-marks]");
    bar?.addEventListener("keydown", (event) => this.#onKey(event));
    bar?.addEventListener("click", (event) => {
      if (event.target === event.currentTarget) this.#seekAt(event);
    });
    if (bar) new MutationObserver(() => this.refresh()).observe(bar, { childList: true, subtree: true });
  }

  #onClick(event) {
    const seeker = event.target.closest(SEEKERS);
    const control = event.target.closest("a, button, input, label, select, textarea");
    if (!seeker || !this.#root.isConnected || (control && !control.contains(seeker))) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const ms = seeker.dataset.startMs ?? fragmentMs(seeker.getAttribute("href"));
    if (ms === null) return;
    event.preventDefault();
    this.#seekTo(Number(ms));
    if (this.#marks.includes(seeker)) this.#rove(seeker);
  }

  /* One mark is in the tab order; the arrow keys go from mark to mark. */
  #onKey(event) {
    const marks = this.#marks;
    const here = marks.indexOf(document.activeElement);
    const last = marks.length - 1;
    const places = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last };
    if (here < 0 || !(event.key in places)) return;
    event.preventDefault();
    event.stopPropagation();
    const mark = marks[Math.min(last, Math.max(0, places[event.key]))];
    this.#rove(mark);
    mark.focus();
  }

  #rove(current) {
    for (const mark of this.#marks) mark.tabIndex = mark === current ? 0 : -1;
  }

  #seekAt({ currentTarget, clientX }) {
    const { left, width } = currentTarget.getBoundingClientRect();
    this.seek(((clientX - left) / width) * this.durationMs());
  }

  #seekTo(ms) {
    if (ms !== null) this.seek(ms);
  }

  #tell() {
    const ms = this.currentMs();
    const durationMs = this.durationMs();
    const place = durationMs ? Math.min(1, ms / durationMs) : 0;
    this.#show("time", clock(ms));
    this.#show("rate", this.rate === 1 ? "" : `${this.rate}×`);
    this.#root.style.setProperty("--now", String(place));
    for (const head of this.#scope.querySelectorAll(".timeline__head")) {
      head.setAttribute("x1", `${100 * place}%`);
      head.setAttribute("x2", `${100 * place}%`);
    }
    for (const played of this.#scope.querySelectorAll(".timeline__played")) {
      played.setAttribute("width", `${100 * place}%`);
    }
    const detail = { ms, durationMs, isPlaying: this.isPlaying, rate: this.rate };
    this.#root.dispatchEvent(new CustomEvent("player:time", { bubbles: true, detail }));
  }

  #show(name, text) {
    const part = this.#root.querySelector(`[data-part="${name}"]`);
    if (part) part.textContent = text;
  }

  #fail() {
    const note = this.#root.querySelector("[data-part=trouble]");
    if (note) note.hidden = false;
  }
}
