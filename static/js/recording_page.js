/* What the recorder's page shows. It is told what is so; it decides nothing.
 *
 * data-shown lists the states in which an element is there, data-focus the state in which it takes
 * the focus; data-notice names a passing trouble; data-part names what changes.
 */

import { clock } from "./player.js";
import { placeOf } from "./recording_time.js";
import { size, wordsIn } from "./recording_words.js";

const HEARD = 0.4; // of the meter: quiet speech

export class Page {
  #root;
  #words;
  #hasHeard = false;

  constructor(root) {
    this.#root = root;
    this.#words = wordsIn(root);
    for (const element of this.#all("[data-needs-script]")) element.hidden = false;
  }

  part(name) {
    return this.#root.querySelector(`[data-part="${name}"]`);
  }

  get role() {
    return this.#root.querySelector("[name=role]:checked").value;
  }

  get chosen() {
    return { camera: this.part("camera").value, microphone: this.part("microphone").value };
  }

  state(name) {
    const hadFocus = this.#root.contains(document.activeElement);
    this.#root.dataset.state = name;
    for (const element of this.#all("[data-shown]")) {
      element.hidden = !element.dataset.shown.split(" ").includes(name);
    }
    this.part("state").textContent = this.#words.say(name);
    this.part("state").classList.toggle("clock__state--on", name === "recording");
    if (hadFocus) this.#root.querySelector(`[data-focus~="${name}"]`)?.focus();
  }

  /* Says why something could not be done; no word, no trouble. A server's own words win. */
  trouble(code, message = "") {
    const box = this.part("trouble");
    box.hidden = !code;
    if (!code) return;
    const word = this.#words.has(code) ? code : "refused";
    this.part("trouble-text").textContent = message || this.#words.say(word);
  }

  /* Shows one notice, or none, until told otherwise. */
  notice(name = "") {
    for (const element of this.#all("[data-notice]")) element.hidden = element.dataset.notice !== name;
  }

  preview(stream, role) {
    const video = this.part("preview");
    const hasPicture = Boolean(stream) && role === "camera";
    video.srcObject = hasPicture ? stream : null;
    video.hidden = !hasPicture;
    this.part("no-picture").hidden = hasPicture;
    this.part("no-picture").textContent = this.#words.say(stream ? "sound_only" : "camera_off");
  }

  devices({ camera, microphone }, stream) {
    this.#fill("camera", camera, stream.getVideoTracks()[0]);
    this.#fill("microphone", microphone, stream.getAudioTracks()[0]);
    this.part("camera-field").hidden = this.role !== "camera";
  }

  level(level) {
    this.part("meter").value = level;
    if (this.#hasHeard || level < HEARD) return;
    this.#hasHeard = true;
    this.part("heard").textContent = this.#words.say("heard");
  }

  time(ms) {
    this.part("time").textContent = clock(ms);
    for (const step of this.#all("[data-start-minutes]")) {
      const place = placeOf(ms, Number(step.dataset.startMinutes), Number(step.dataset.endMinutes));
      step.classList.toggle("guide__step--past", place === "past");
      step.classList.toggle("guide__step--now", place === "now");
      if (place === "now") step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    }
  }

  safety({ safeMs, totalMs, pendingBytes, pendingMs }) {
    this.part("safe").textContent = this.#words.say("safe", { time: clock(safeMs) });
    this.part("pending").textContent = this.#pending(pendingBytes, pendingMs);
    const bar = this.part("safe-bar");
    bar.max = Math.max(Number(this.#root.dataset.minutes) * 60_000, totalMs);
    bar.value = safeMs;
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
