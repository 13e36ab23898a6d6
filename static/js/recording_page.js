/* What the recorder's page shows. It is told what is so; it decides nothing.
 *
 * data-shown lists the states in which an element is there, data-focus the states in which it takes
 * the focus; data-notice names a passing trouble; data-check a line of what is checked beforehand;
 * data-part names what changes. A page may lack a part, as the session's lacks the phase.
 */

import { clock } from "./clock.js";
import { LevelBars, Wave } from "./recording_level.js";
import { phaseAt, placeOf } from "./recording_time.js";
import { size, wordsIn } from "./recording_words.js";

const HEARD = 0.4; // of the meter: quiet speech

export class Page {
  #root;
  #words;
  #bars;
  #wave;
  #hasHeard = false;

  constructor(root) {
    this.#root = root;
    this.#words = wordsIn(root);
    this.#bars = new LevelBars(this.part("meter"));
    this.#wave = new Wave(this.part("wave"));
    for (const element of this.#all("[data-needs-script]")) element.hidden = false;
  }

  part(name) {
    return this.#root.querySelector(`[data-part="${name}"]`);
  }

  say(key, values) {
    return this.#words.say(key, values);
  }

  // What was chosen

  get role() {
    return this.#root.querySelector("[name=role]:checked").value;
  }

  get chosen() {
    const [camera, microphone, quality] = ["camera", "microphone", "quality"].map(
      (name) => this.part(name).value,
    );
    return { role: this.role, camera, microphone, quality };
  }

  get wantsCaptions() {
    return this.part("captions").checked;
  }

  /* Chooses again what was chosen last time, as far as it is there. */
  choose({ role, quality }) {
    const way = [...this.#all("[name=role]")].find(({ value }) => value === role);
    if (way) way.checked = true;
    const option = [...this.part("quality").options].find(({ value }) => value === quality);
    if (option) option.selected = true;
  }

  /* A recording that goes on keeps the way in which it began. */
  fixRole(role) {
    this.choose({ role });
    this.part("ways").hidden = true;
  }

  // States, troubles, notices

  state(name) {
    const hadFocus = this.#root.contains(document.activeElement);
    this.#root.dataset.state = name;
    for (const element of this.#all("[data-shown]")) {
      element.hidden = !element.dataset.shown.split(" ").includes(name);
    }
    this.part("state").textContent = this.#words.say(name);
    this.part("state").classList.toggle("clock__state--on", name === "recording");
    this.part("setup").disabled = name === "testing";
    const isLost = hadFocus && document.activeElement.closest("body:not(:focus-within), [hidden], :disabled");
    if (isLost) this.#root.querySelector(`[data-focus~="${name}"]`)?.focus();
  }

  /* Says why something could not be done; no word, no trouble. A server's own words win. */
  trouble(code, message = "") {
    const box = this.part("trouble");
    box.hidden = !code;
    if (!code) return;
    const word = this.#words.has(code) ? code : "refused";
    this.part("trouble-text").textContent = message || this.#words.say(word);
  }

  /* Shows or hides one notice. */
  notice(name, isThere = true) {
    const element = this.#root.querySelector(`[data-notice="${name}"]`);
    if (element) element.hidden = !isThere;
  }

  /* Shows one notice of several, or none. */
  oneNotice(names, shown) {
    for (const name of names) this.notice(name, name === shown);
  }

  // The stage: the picture, the screen beside it, sound alone, or the test clip

  stage({ stream = null, screen = null, clip = "", role = this.role }) {
    const hasPicture = Boolean(stream?.getVideoTracks().some(({ readyState }) => readyState === "live"));
    const isPictured = hasPicture && role === "camera";
    const looks = clip ? "clip" : screen ? "screen" : isPictured ? "picture" : stream ? "sound" : "off";
    this.part("stage").dataset.looks = looks;
    show(this.part("preview"), isPictured && !clip ? stream : null);
    show(this.part("screen"), clip ? null : screen);
    this.part("wave").hidden = looks !== "sound";
    this.#clip(clip);
    const isBefore = !this.part("setup").hidden;
    const note = { off: isBefore ? "off" : "over_off", sound: "sound_only" }[looks] ?? "";
    this.part("note").hidden = !note;
    this.part("note-text").textContent = note && this.#words.say(note);
  }

  #clip(address) {
    const video = this.part("clip");
    video.hidden = !address;
    if (!address) {
      video.removeAttribute("src");
    } else if (video.src !== address) {
      video.src = address;
      video.play().catch(() => {}); // not every browser plays unasked
    }
  }

  countdown(seconds) {
    this.part("countdown").textContent = this.#words.say("countdown", { seconds });
  }

  sharing(isShared, canShare) {
    for (const button of this.#all("[data-action=share]")) {
      button.hidden = !canShare;
      button.setAttribute("aria-pressed", String(isShared));
      button.querySelector("[data-label]").textContent = this.#words.say(isShared ? "unshare" : "share");
    }
  }

  // What is checked beforehand

  devices({ camera, microphone }, stream) {
    this.#fill("camera", camera, stream.getVideoTracks()[0]);
    this.#fill("microphone", microphone, stream.getAudioTracks()[0]);
    for (const field of ["camera-field", "quality-field"]) this.part(field).hidden = this.role !== "camera";
    const { width, height } = stream.getVideoTracks()[0]?.getSettings() ?? {};
    this.check("camera", width ? "good" : "open", width ? `${width} × ${height}` : "");
  }

  /* Sets a line of the check: its mark (good, warn or open) and what it says. */
  check(name, mark, text) {
    const line = this.#root.querySelector(`[data-check="${name}"]`);
    if (!line) return;
    const state = line.querySelector(".state");
    line.hidden = !text;
    state.className = `state state--${mark}`;
    const icon = this.part("marks")?.content.querySelector(`[data-mark="${mark}"] svg`);
    state.replaceChildren(...(icon ? [icon.cloneNode(true)] : []), text);
  }

  /* Says whether there is room for so many bytes, here or on the server; nothing where nobody knows. */
  room(name, neededBytes, freeBytes) {
    const values = { free: size(freeBytes ?? 0), needed: size(neededBytes) };
    const isEnough = freeBytes !== null && freeBytes >= neededBytes;
    const text = freeBytes === null ? "" : this.#words.say(isEnough ? "room" : "room_short", values);
    this.check(name, isEnough ? "good" : "warn", text);
  }

  level(level, isOn) {
    this.#bars.show(level);
    this.#wave.add(level, isOn);
    if (this.#hasHeard || level < HEARD) return;
    this.#hasHeard = true;
    this.check("microphone", "good", this.#words.say("heard"));
  }

  // While it is recorded

  time(ms) {
    this.part("time").textContent = clock(ms);
    const steps = [...this.#all("[data-start-minutes]")];
    for (const step of steps) {
      const place = placeOf(ms, Number(step.dataset.startMinutes), Number(step.dataset.endMinutes));
      step.classList.toggle("guide__step--past", place === "past");
      step.classList.toggle("guide__step--now", place === "now");
      if (place === "now") step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    }
    if (this.part("phase")) this.#phase(ms, steps);
  }

  safety({ safeMs, totalMs, pendingBytes, pendingMs }) {
    this.part("safe").textContent = this.#words.say("safe", { time: clock(safeMs) });
    this.part("pending").textContent = this.#pending(pendingBytes, pendingMs);
    const bar = this.part("safe-bar");
    bar.max = Math.max(totalMs, 1);
    bar.value = safeMs;
  }

  #phase(ms, steps) {
    const spans = steps.map(({ dataset }) => ({
      startMinutes: Number(dataset.startMinutes),
      endMinutes: Number(dataset.endMinutes),
    }));
    const { at, leftMs, doneShare, overMs } = phaseAt(ms, spans);
    const name = at === null ? this.#words.say("over_name") : steps[at].lastElementChild.textContent;
    const left = at === null ? { word: "over", time: clock(overMs) } : { word: "left", time: clock(leftMs + 999) };
    if (this.part("phase-name").textContent !== name) this.part("phase-name").textContent = name;
    this.part("phase-left").textContent = this.#words.say(left.word, { time: left.time });
    this.part("phase-bar").value = doneShare;
    this.part("phase").classList.toggle("dock__phase--over", at === null);
  }

  #pending(bytes, ms) {
    if (bytes === 0) return this.#words.say("all_sent");
    const values = { seconds: Math.max(1, Math.round(ms / 1000)), amount: size(bytes) };
    return this.#words.say("pending", values);
  }

  #fill(name, devices, track) {
    const select = this.part(name);
    const used = track?.getSettings().deviceId;
    select.replaceChildren(
      ...devices.map(({ label, deviceId }) => new Option(label || name, deviceId, false, deviceId === used)),
    );
    select.disabled = devices.length < 2;
  }

  #all(selector) {
    return this.#root.querySelectorAll(selector);
  }
}

function show(video, stream) {
  if (video.srcObject !== stream) video.srcObject = stream;
  video.hidden = !stream;
}
