/* Phases begun, depth rungs reached and whys answered, as they are pressed.
 *
 * A press keeps its time, in the recording or by the clock of a mock, and is sent as often as it takes; the server
 * draws the panel and the ribbon anew.
 */

import { post } from "./grading_draft.js";
import { KeptList, Stamps } from "./stamps.js";

const WAIT_MS = 1500; // a press that is on its way waits for nothing
const SETTLE_MS = 5000;

export class Moments {
  #form;
  #draw;
  #say;
  #presses;
  #shown = "";
  #ms = null;
  #waiting = null;
  #settled = [];

  /* `name` is what presses are kept under, `draw` puts fragments in their places, `say` tells who listens; `ms` is
   * where the recording stands. */
  constructor(form, { name, draw, say, ms = null }) {
    this.#form = form;
    this.#draw = draw;
    this.#say = say;
    this.#presses = new Stamps({
      store: new KeptList(name, storage()),
      send: (press, ageMs) => this.#send(press, ageMs),
      onTaken: (_press, html) => this.#take(html),
      onRefused: (_press, message) => this.#tell(message),
      onChange: (count) => this.#showWaiting(count),
    });
    addEventListener("online", () => this.#presses.nudge());
    this.#presses.run();
    this.show(ms);
  }

  get #panel() {
    return document.getElementById("moments");
  }

  get #isLive() {
    return Boolean(this.#panel.querySelector("input[name=moment-stamp]"));
  }

  /* `what` is as the buttons have it; `place` is { ms } in the recording or { at } by the clock. */
  press(what, { ms = null, at = Date.now() }) {
    this.#presses.add({ id: newId(), at, what, ms });
  }

  async remove(button) {
    if (button.getAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    const answer = await post(this.#form, button.formAction, this.#from, { "HX-Request": "true" });
    button.removeAttribute("aria-busy");
    if (answer?.status === 200 && !answer.isSignedOut) this.#take(answer.text);
    else this.#tell(wordsOf(answer?.text) || this.#form.dataset.saidMarkFailed);
  }

  /* Says which phase is on at a time of the recording, and which one the key would begin. */
  show(ms) {
    this.#ms = ms;
    const panel = this.#panel;
    const begun = (panel?.dataset.stretches ?? "").split(" ").filter(Boolean).map((one) => one.split(":").map(Number));
    const isOn = ([, startMs]) => ms === null || startMs <= ms;
    const now = begun.findLast(isOn)?.[0] ?? 0;
    const shown = `${now} ${panel?.dataset.stretches}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    for (const button of panel?.querySelectorAll("[data-phase-key]") ?? []) {
      const key = Number(button.dataset.phaseKey);
      button.classList.toggle("moment--now", key === now);
      button.classList.toggle("moment--next", key === now + 1);
      if (key === now) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    }
  }

  /* Resolves when every press is told, or after a while. */
  settled() {
    if (!this.#presses.count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settled.push(resolve);
      setTimeout(resolve, SETTLE_MS);
    });
  }

  get #from() {
    return this.#isLive ? [["from", "session"]] : [];
  }

  async #send({ id, what, ms }, ageMs) {
    const when = this.#isLive
      ? [["moment-stamp", id], ["moment-age_ms", String(ageMs)]]
      : what.includes("@") ? [] : [["moment-ms", String(ms)]];
    const fields = [["moment-what", what], ...when, ...this.#from];
    const answer = await post(this.#form, this.#form.dataset.momentUrl, fields, { "HX-Request": "true" });
    if (answer === null || answer.isSignedOut || answer.status >= 500 || answer.status === 403) return { kind: "later" };
    if (answer.status === 200) return { kind: "taken", answer: answer.text };
    return { kind: "refused", message: wordsOf(answer.text) };
  }

  /* The panel is drawn anew: what was open stays open, what had the focus gets it back. */
  #take(html) {
    const isListOpen = document.getElementById("moments-list")?.open;
    const focused = this.#panel.contains(document.activeElement) ? document.activeElement : null;
    this.#draw(html);
    const list = document.getElementById("moments-list");
    if (list && isListOpen) list.open = true;
    if (focused) this.#focusAgain(focused);
    this.#shown = "";
    this.show(this.#ms);
    this.#say(this.#panel.querySelector("[data-moment-said] > span")?.textContent ?? "");
  }

  #focusAgain(focused) {
    const same = focused.value && this.#panel.querySelector(`[data-moment][value="${CSS.escape(focused.value)}"]`);
    const undo = this.#panel.querySelector("[data-moment-undo]");
    (same || undo || this.#panel.querySelector("button"))?.focus({ preventScroll: true });
  }

  #tell(message) {
    this.#panel.querySelector("[data-moment-said]").textContent = message;
    this.#say(message);
  }

  #showWaiting(count) {
    clearTimeout(this.#waiting);
    if (count === 0) for (const resolve of this.#settled.splice(0)) resolve();
    else this.#waiting = setTimeout(() => this.#tell(this.#panel.dataset.saidWaiting), WAIT_MS);
  }
}

function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/* A UUID; crypto.randomUUID is there on secure origins only. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function wordsOf(text) {
  try {
    return JSON.parse(text).message ?? "";
  } catch {
    return "";
  }
}
