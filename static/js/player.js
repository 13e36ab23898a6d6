/* The player: a recording's tracks as one, its controls, keys and captions, and an interface for the page.
 *
 * Other modules find the interface as `player` on the element, or by `playerIn(scope)`; they hear
 * `player:ready` once and `player:time` as it plays. Links to "#t=95" and elements with data-start-ms anywhere
 * in the scope seek. The bar, the tracks in step, links that run out and the lines are modules of their own.
 */

import { clock } from "./clock.js";
import { Bar } from "./player_bar.js";
import { Links } from "./player_links.js";
import { Tracks } from "./player_tracks.js";

export { clock };

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const SEEKERS = "[data-start-ms], a[href^='#t=']";
const LARGE = "plumbline.player.large";
const PLACES = "plumbline.player.places";
const PLACES_MOST = 40;
const WORTH_MS = 20_000; // nearer to an end there is nowhere to go on from
const KEEP_EVERY_MS = 5000;
const PROBE_EVERY_MS = 15_000;
const DECODE_FAILED = 3;
const REFUSALS = ["gone", "signed_out"];

/* What a key does: the name of one of the player's methods, and its argument. */
export const KEYS = {
  " ": ["toggle"],
  ArrowLeft: ["step", -5000],
  ArrowRight: ["step", 5000],
  "[": ["speed", -1],
  "]": ["speed", 1],
  c: ["captions"],
  m: ["mute"],
  f: ["fullscreen"],
  s: ["swap"],
};

export function attach(root) {
  const player = new Player(root);
  root.player = player;
  root.dispatchEvent(new CustomEvent("player:ready", { bubbles: true, detail: player }));
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

/* The speed so many steps from this one. */
export function speedFrom(rate, steps) {
  const nearest = SPEEDS.findIndex((speed) => speed >= rate);
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, nearest + steps))];
}

class Player {
  #root;
  #scope;
  #media;
  #tracks;
  #links;
  #bars;
  #lanes;
  #lines = null;
  #hasCaptions = false;
  #keptAt = 0;
  #probedAt = -Infinity;
  #lastMs = 0;
  #trouble = null;

  constructor(root) {
    this.#root = root;
    this.#scope = root.closest("[data-player-scope]") ?? document;
    this.#media = [...root.querySelectorAll("[data-source]")];
    const durationMs = Number(root.dataset.durationMs);
    this.#tracks = new Tracks(
      this.#media.map((media) => ({
        media,
        startMs: Number(media.dataset.begins) || 0,
        durationMs: Number(media.dataset.lasts) || 0,
      })),
      { durationMs, onChange: () => this.#tell() },
    );
    this.#links = new Links({ url: root.dataset.links, durationMs });
    this.#dress();
    this.#lanes = this.#scope.querySelectorAll("[data-lanes]");
    this.#bars = [...this.#scope.querySelectorAll("[data-timeline]")].map((bar) => new Bar(bar, this));
    this.#listen();
    this.#readLines();
    const deepMs = fragmentMs(location.hash);
    if (deepMs === null) this.#offerPlace();
    else this.seek(deepMs);
    this.#tell();
    for (const media of this.#media) if (hasFailed(media)) this.#onError(media);
  }

  /* The native element that leads. */
  get media() {
    return this.#tracks.media;
  }

  get isPlaying() {
    return this.#tracks.isPlaying;
  }

  get rate() {
    return this.#tracks.rate;
  }

  get durationMs() {
    return this.#tracks.durationMs;
  }

  /* How far the second track is behind the first, in ms, one figure a track. */
  get lags() {
    return this.#tracks.lags;
  }

  /* The sprite of the picture that is large, or null. */
  get strip() {
    const { strip, stripGrid, begins } = this.#large?.dataset ?? {};
    if (!strip) return null;
    const [columns, count, everyMs, width, height] = stripGrid.split(" ").map(Number);
    return { src: strip, columns, count, everyMs, width, height, startMs: Number(begins) };
  }

  currentMs() {
    return Math.round(this.#tracks.ms);
  }

  /* Goes to a time and stays as it was, playing or not. */
  async seek(ms) {
    this.#hideOffer();
    if (this.#links.isOld) await this.#renew(ms);
    else await this.#tracks.seek(ms);
  }

  step(ms) {
    this.seek(this.currentMs() + ms);
  }

  play() {
    this.#hideOffer();
    return this.#tracks.play();
  }

  pause() {
    this.#tracks.pause();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  /* Goes so many steps faster, or slower below zero; without steps back to the usual speed. */
  speed(steps) {
    this.#tracks.rate = steps ? speedFrom(this.rate, steps) : 1;
    return this.rate;
  }

  mute() {
    this.#tracks.isMuted = !this.#tracks.isMuted;
  }

  captions() {
    if (!this.#part("captions")) return;
    this.#hasCaptions = !this.#hasCaptions;
    this.#showCaptions();
    this.#tell();
  }

  /* The whole player, with its bar; where only a picture can be, as on a telephone, that. */
  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.#root.requestFullscreen) this.#root.requestFullscreen().catch(() => {});
    else this.#large?.webkitEnterFullscreen?.();
  }

  /* Makes the other picture the large one. */
  swap() {
    const pictures = this.#pictures;
    if (pictures.length < 2) return;
    const next = pictures[(pictures.indexOf(this.#large) + 1) % pictures.length];
    this.#enlarge(next);
    remember(LARGE, next.dataset.source);
  }

  /* Places what came and went on the bars. */
  refresh() {
    for (const bar of this.#bars) bar.rove();
  }

  /* What the page says under a name, with its places filled in. */
  said(name, values = {}) {
    const words = this.#root.dataset[`said${name[0].toUpperCase()}${name.slice(1)}`] ?? "";
    return Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), words);
  }

  get #pictures() {
    return this.#media.filter((media) => media.matches("video"));
  }

  get #large() {
    return this.#pictures.find((media) => media.hasAttribute("data-large")) ?? this.#pictures[0];
  }

  #part(name) {
    return this.#root.querySelector(`[data-part="${name}"]`);
  }

  #dress() {
    const pictures = this.#pictures;
    this.#root.classList.add("player--scripted");
    this.#root.classList.toggle("player--two", pictures.length > 1);
    for (const media of this.#media) media.controls = false;
    for (const part of this.#root.querySelectorAll("[data-needs-script]")) part.hidden = false;
    const remembered = pictures.find((media) => media.dataset.source === recall(LARGE));
    const screen = pictures.find((media) => media.dataset.source === "screen");
    if (pictures.length) this.#enlarge(remembered ?? screen ?? pictures[0]);
  }

  #enlarge(picture) {
    for (const media of this.#pictures) media.toggleAttribute("data-large", media === picture);
  }

  #listen() {
    for (const media of this.#media) {
      media.addEventListener("error", () => this.#onError(media));
      media.querySelector("source")?.addEventListener("error", () => this.#onError(media));
      media.addEventListener("stalled", () => this.#onStall(media));
      media.addEventListener("click", () => this.#onPicture(media));
    }
    this.#scope.addEventListener("click", (event) => this.#onClick(event));
    this.#root.addEventListener("click", (event) => this.#onControl(event));
    this.#root.addEventListener("keydown", (event) => this.#onKey(event));
    this.#part("volume")?.addEventListener("input", ({ target }) => this.#turnTo(Number(target.value)));
    addEventListener("hashchange", () => {
      const ms = fragmentMs(location.hash);
      if (ms !== null && this.#root.isConnected) this.seek(ms);
    });
    addEventListener("pagehide", () => this.#keepPlace());
  }

  async #readLines() {
    const box = this.#scope.querySelector("[data-player-lines]");
    if (!box) return;
    const { Lines } = await import("./player_lines.js");
    this.#lines = new Lines(box, this);
    this.#tell();
  }

  #onPicture(media) {
    if (this.#pictures.length > 1 && media !== this.#large) this.swap();
    else this.toggle();
  }

  #onControl(event) {
    const button = event.target.closest("[data-action]");
    if (!button || !this.#root.contains(button)) return;
    const { action, by } = button.dataset;
    if (action === "resume") this.#goOn();
    else if (action === "again") this.#tryAgain();
    else this[action](by === undefined ? undefined : Number(by));
  }

  #onClick(event) {
    if (!this.#root.isConnected) return;
    const lane = event.target.closest("[data-lane]");
    const seeker = event.target.closest(SEEKERS);
    if (lane && !seeker) {
      const { left, width } = lane.getBoundingClientRect();
      this.seek(((event.clientX - left) / width) * this.durationMs);
      return;
    }
    const control = event.target.closest("a, button, input, label, select, textarea");
    if (!seeker || (control && !control.contains(seeker))) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const ms = seeker.dataset.startMs ?? fragmentMs(seeker.getAttribute("href"));
    if (ms === null) return;
    event.preventDefault();
    if (seeker.closest("[data-lines]") && !getSelection().isCollapsed) return; // words were chosen
    this.seek(Number(ms));
    for (const bar of this.#bars) if (bar.holds(seeker)) bar.rove(seeker);
  }

  /* The keys act where the focus is inside the player; a page may listen to more of it. */
  #onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!Object.hasOwn(KEYS, key) || event.target.closest("input, select, textarea")) return;
    if (key === " " && event.target.closest("a, button, summary")) return;
    event.preventDefault();
    const [name, argument] = KEYS[key];
    this[name](argument);
  }

  #turnTo(volume) {
    for (const media of this.#media) media.volume = volume;
    if (this.#tracks.isMuted && volume > 0) this.mute();
  }

  /* One picture shows its captions itself; elsewhere the line being said is laid over the stage. */
  #showCaptions() {
    const [first] = this.#media;
    const isNative = this.#media.length === 1 && first.matches("video") && first.textTracks.length > 0;
    if (isNative) first.textTracks[0].mode = this.#hasCaptions ? "showing" : "disabled";
    this.#root.classList.toggle("player--captioned", this.#hasCaptions && !isNative);
  }

  #tell() {
    const ms = this.currentMs();
    const { durationMs, isPlaying, rate } = this;
    this.#show("time", clock(ms));
    this.#show("rate", `${rate}×`);
    this.#show("caption", this.#lines?.textAt(ms) ?? "");
    this.#root.classList.toggle("player--playing", isPlaying);
    this.#root.classList.toggle("player--muted", this.#tracks.isMuted);
    this.#press("mute", this.#tracks.isMuted);
    this.#press("captions", this.#hasCaptions);
    this.#part("toggle")?.setAttribute("aria-label", this.said(isPlaying ? "pause" : "play"));
    for (const bar of this.#bars ?? []) bar.show();
    for (const lanes of this.#lanes) lanes.style.setProperty("--now", String(durationMs ? ms / durationMs : 0));
    this.#lines?.show(ms);
    if (isPlaying && ms !== this.#lastMs) this.#noteProgress(ms);
    this.#lastMs = ms;
    const detail = { ms, durationMs, isPlaying, rate };
    this.#root.dispatchEvent(new CustomEvent("player:time", { bubbles: true, detail }));
  }

  #show(name, text) {
    const part = this.#part(name);
    if (part && part.textContent !== text) part.textContent = text;
  }

  #press(name, isOn) {
    this.#part(name)?.setAttribute("aria-pressed", String(isOn));
  }

  /* What plays on proves its links, and is remembered now and then. */
  #noteProgress(ms) {
    if (ms > this.#lastMs && ms - this.#lastMs < 1000) this.#links?.prove();
    if (Math.abs(ms - this.#keptAt) > KEEP_EVERY_MS) this.#keepPlace();
  }

  #keepPlace() {
    const ms = this.currentMs();
    this.#keptAt = ms;
    const { [this.#root.dataset.recording]: _, ...others } = places();
    const isWorth = ms > WORTH_MS && ms < this.durationMs - WORTH_MS;
    const kept = Object.entries(others).slice(-(PLACES_MOST - 1));
    if (isWorth) kept.push([this.#root.dataset.recording, ms]);
    remember(PLACES, JSON.stringify(Object.fromEntries(kept)));
  }

  #offerPlace() {
    const ms = places()[this.#root.dataset.recording];
    const offer = this.#part("resume");
    if (!ms || !offer || ms >= this.durationMs) return;
    this.#show("resume-at", clock(ms));
    offer.dataset.ms = String(ms);
    offer.hidden = false;
  }

  #goOn() {
    this.seek(Number(this.#part("resume").dataset.ms));
    this.play();
    this.#part("toggle").focus();
  }

  #hideOffer() {
    const offer = this.#part("resume");
    if (offer) offer.hidden = true;
  }

  /* An error of a file that is broken is its own; any other may be a link that has run out. */
  async #onError(media) {
    const isBroken = media.error?.code === DECODE_FAILED;
    const kind = isBroken ? "later" : await this.#renew(this.currentMs());
    if (kind === "later") this.#lose(media);
  }

  async #onStall(media) {
    const isWaiting = this.isPlaying && media.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    if (!isWaiting || performance.now() - this.#probedAt < PROBE_EVERY_MS) return;
    this.#probedAt = performance.now();
    const reason = await this.#links.reason(media.currentSrc);
    if (reason !== "later") await this.#renew(this.currentMs());
  }

  /* Takes fresh links and goes on where it was; returns how that went. */
  async #renew(ms) {
    const { kind, playback } = await this.#links.fresh();
    if (kind === "fresh") {
      this.#trouble = null;
      this.#part("trouble").hidden = true;
      for (const bar of this.#bars) bar.takePeaks(playback.peaks_src);
      await Promise.all(playback.sources.map((source) => this.#take(source, ms)));
    } else if (kind !== "later") {
      this.pause();
      this.#complain(kind);
    }
    return kind;
  }

  async #take(source, ms) {
    const media = this.#media.find((one) => one.dataset.source === source.role);
    // Links made within one second are the same: one that was refused is asked for again.
    if (!media || (media.dataset.fresh === source.src && !media.error)) return;
    media.dataset.fresh = source.src;
    media.dataset.strip = source.strip?.src ?? "";
    for (const old of media.querySelectorAll("source")) old.remove();
    media.src = source.src;
    media.load();
    await this.#tracks.restore(media, ms);
    this.#showCaptions();
  }

  /* One track that cannot be played does not stop the other. */
  #lose(media) {
    const isAnyLeft = this.#tracks.fail(media);
    media.toggleAttribute("data-lost", true);
    if (!isAnyLeft) this.pause();
    this.#complain(isAnyLeft ? "part" : "later");
  }

  /* That one may not watch it outweighs whatever else does not load: the word of a refusal stays. */
  #complain(kind) {
    if (REFUSALS.includes(this.#trouble) && !REFUSALS.includes(kind)) return;
    this.#trouble = kind;
    this.#show("trouble-said", this.said(kind));
    this.#part("again").hidden = kind === "gone" || kind === "part";
    this.#part("trouble").hidden = false;
  }

  #tryAgain() {
    this.#links.prove();
    for (const media of this.#media) media.toggleAttribute("data-lost", false);
    this.#renew(this.currentMs());
  }
}

/* Whether it failed before anybody listened. */
function hasFailed(media) {
  const isRefused = media.networkState === HTMLMediaElement.NETWORK_NO_SOURCE;
  return Boolean(media.error) || (isRefused && media.querySelector("source") !== null);
}

/* Where one was in the recordings of late, by their ids. */
function places() {
  try {
    return JSON.parse(recall(PLACES)) ?? {};
  } catch {
    return {};
  }
}

/* What this browser remembers of a person's choices; where storage is forbidden, nothing. */
export function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It holds on this page.
  }
}
