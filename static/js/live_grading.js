/* The scorecard on the session page: as on the grading page, with stamps of this moment in place of marks in
 * a recording. A press keeps the instant; what was seen is said after it, if at all.
 */

import { post } from "./grading_draft.js";
import { grade, replaceParts, tick } from "./grading.js";
import { KeptList, Stamps } from "./stamps.js";

export function attach(root) {
  const name = `plumbline.stamps.${root.dataset.review}`;
  grade(root, {
    marksOf: (form, facts) => new LiveMarks(form, { ...facts, store: new KeptList(name, storage()) }),
    place: () => ({ at: Date.now() }),
    actions: {},
  });
}

function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

class LiveMarks {
  #form;
  #steps;
  #onMarked;
  #panel = document.getElementById("stamp");
  #stamps;
  #pressedAt = null;
  #backTo = null;
  #isRemoving = false;
  #saying = null;

  constructor(form, { steps, onMarked, store }) {
    this.#form = form;
    this.#steps = steps;
    this.#onMarked = onMarked;
    this.#stamps = new Stamps({
      store,
      send: (stamp, ageMs) => this.#send(stamp, ageMs),
      onTaken: (stamp, html) => this.#take(stamp, html),
      onRefused: (stamp, message) => this.#refuse(message),
      onChange: (count) => this.#showWaiting(count),
    });
    this.#part("form").hidden = true;
    this.#part("cancel").hidden = false;
    this.#part("help").hidden = false;
    document.addEventListener("click", (event) => this.#onClick(event));
    document.addEventListener("keydown", (event) => this.#onKey(event));
    addEventListener("online", () => this.#stamps.nudge());
    addEventListener("beforeunload", (event) => {
      if (this.#pressedAt !== null) event.preventDefault();
    });
    this.#showWaiting(this.#stamps.count);
    this.#stamps.run();
  }

  /* Keeps this instant for the step in view, and asks what was seen. */
  evidence() {
    this.#open(this.#steps.about || this.#firstAbout("dimension:"), "note");
  }

  /* Keeps this instant for a signal: the step's own first, else one of the round's. */
  signal() {
    const own = this.#steps.section.querySelector("input[name=downcodes]");
    this.#open(own ? `signal:${own.value}` : this.#firstAbout("signal:"), "about");
  }

  add() {
    if (this.#pressedAt === null) this.#pressedAt = Date.now();
    const stamp = {
      id: newId(),
      at: this.#pressedAt,
      about: this.#field("about").value,
      note: this.#field("note").value,
    };
    this.#close();
    this.#stamps.add(stamp);
  }

  async remove(button) {
    if (this.#isRemoving) return;
    this.#isRemoving = true;
    const answer = await post(this.#form, button.formAction, [], { "HX-Request": "true" });
    this.#isRemoving = false;
    if (answer?.status !== 200 || answer.isSignedOut) {
      this.#refuse(this.#form.dataset.saidMarkFailed);
      return;
    }
    this.#draw(answer.text);
    document.getElementById("notes-title").focus();
  }

  #part(name) {
    return this.#panel.querySelector(`[data-stamp-${name}]`);
  }

  #field(name) {
    return document.getElementById(`mark-${name}`);
  }

  #firstAbout(start) {
    return [...this.#field("about").options].find((one) => one.value.startsWith(start))?.value;
  }

  /* A second press while one is being told of keeps that one first. */
  #open(about, focus) {
    if (this.#pressedAt !== null) this.add();
    this.#pressedAt = Date.now();
    this.#backTo ??= document.activeElement;
    if (about) this.#field("about").value = about;
    this.#part("time").textContent = document.querySelector("[data-part=turn-time]").textContent;
    this.#part("at").hidden = false;
    this.#part("form").hidden = false;
    this.#field(focus).focus();
  }

  #close() {
    this.#pressedAt = null;
    this.#field("note").value = "";
    this.#part("form").hidden = true;
    const target = this.#backTo;
    this.#backTo = null;
    if (target?.isConnected && target !== document.body && target.checkVisibility()) target.focus();
    else this.#steps.section.querySelector("h2").focus({ preventScroll: true });
  }

  async #send({ id, about, note }, ageMs) {
    const fields = [
      ["mark-stamp", id],
      ["mark-age_ms", String(ageMs)],
      ["mark-about", about],
      ["mark-note", note],
    ];
    const url = this.#form.dataset.markUrl;
    const answer = await post(this.#form, url, fields, { "HX-Request": "true" });
    if (answer === null || answer.isSignedOut || answer.status >= 500 || answer.status === 403) {
      return { kind: "later" };
    }
    if (answer.status === 200) return { kind: "taken", answer: answer.text };
    return { kind: "refused", message: wordsOf(answer.text) };
  }

  #take(stamp, html) {
    this.#draw(html);
    tick(this.#form, stamp.about);
    this.#panel.dataset.stamped = stamp.id;
  }

  #draw(html) {
    replaceParts(html);
    this.#steps.mark();
    this.#onMarked();
  }

  #refuse(message) {
    const line = this.#panel.querySelector("[data-stamps-waiting]");
    line.hidden = false;
    line.textContent = `${this.#panel.dataset.saidRefused} ${message}`;
  }

  #showWaiting(count) {
    const line = this.#panel.querySelector("[data-stamps-waiting]");
    const { saidWaiting, saidOneWaiting } = this.#panel.dataset;
    clearTimeout(this.#saying);
    if (count === 0) {
      line.hidden = true;
      return;
    }
    this.#saying = setTimeout(() => {
      line.hidden = false;
      line.textContent = count === 1 ? saidOneWaiting : saidWaiting.replace("{n}", count);
    }, 1500); // a stamp that is on its way waits for nothing
  }

  #onClick(event) {
    if (event.target.closest("[data-stamp-cancel]")) this.#close();
    else if (event.target.closest("[data-evidence]")) this.evidence();
    else if (event.target.closest("[data-signal]")) this.signal();
  }

  #onKey(event) {
    if (event.key !== "Escape" || this.#pressedAt === null || !this.#panel.contains(event.target)) return;
    event.preventDefault();
    this.#close();
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
