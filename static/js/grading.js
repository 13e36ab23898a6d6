/* The grading page: the steps of the scorecard, the marks, and the keys that drive both.
 *
 * Keeping the draft is in grading_draft.js. The page begins with two files and no more, for it has a player to fetch,
 * too: what is for some moments only, such as the phases as they are marked, comes when it is first asked for.
 * In a mock the same scorecard stands on the session page, with stamps for marks: see live_grading.js.
 */

import { Draft } from "./grading_draft.js";
import { KEYS as PLAYER_KEYS, playerIn, recall, remember } from "./player.js";

const FAR_RANKS = 2;
const FETCH_AGAIN_MS = 2000;
const ACTIONS = {
  ...PLAYER_KEYS,
  e: ["evidence"],
  q: ["quote"],
  x: ["signal"],
  p: ["press", "phase"],
  w: ["press", "why"],
  u: ["undo"],
  0: ["choose", "0"],
  1: ["choose", "1"],
  2: ["choose", "2"],
  3: ["choose", "3"],
  4: ["choose", "4"],
  j: ["go", 1],
  k: ["go", -1],
  "?": ["help"],
};
const NATIVE = new Set([" ", "ArrowLeft", "ArrowRight"]);
const TYPING = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])";
const PRESSED = "button, a, summary, label, video, audio, input, [role=button], .code";
const REPEATED = new Set(["step", "speed", "go"]); // while a key is held
const RUNG = /^Digit([1-4])$/;
const MOMENTS = "[data-moment], [data-moment-remove]";

export function attach(root) {
  const player = () => playerIn(root);
  const leadMs = 1000 * Number(root.dataset.markLeadS);
  grade(root, {
    marksOf: (form, facts) => new LaterMarks(form, { ...facts, player, leadMs }),
    place: () => (player() ? { ms: player().currentMs() } : null),
    actions: Object.fromEntries(
      Object.values(PLAYER_KEYS).map(([name]) => [name, (argument) => player()?.[name](argument)]),
    ),
  });
}

/* Makes the scorecard in the root work. `marksOf` makes what marks evidence: a mark in a recording, or
 * another page's own; it has evidence(), signal(), add() and remove(button). `place` answers where the talk is: { ms }
 * in a recording, { at } by the browser's clock in a mock, or null. `actions` are the page's own keys beside those
 * of the scorecard. */
export function grade(root, { marksOf, place, actions: more }) {
  const form = document.getElementById("scorecard");
  const heard = form.querySelector("[data-heard]");
  const say = (words) => (heard.textContent = words);

  const draft = new Draft(form, document.getElementById("draft-state"));
  const steps = new Steps(form, Number(root.dataset.targetRank));
  const marks = marksOf(form, { steps, onMarked: () => draft.now() });
  const moments = new LaterMoments(form, { place, say });

  const keys = document.getElementById("keys");
  const actions = {
    ...more,
    evidence: () => marks.evidence(),
    signal: () => marks.signal(),
    quote: () => marks.quote?.(),
    press: (what) => moments.press(what),
    undo: () => moments.undo(),
    choose: (key) => say(steps.choose(key)),
    go: (by) => steps.go(by),
    help: () => keys.showModal(),
  };
  new Keys("grading", actions, keys.querySelector("[data-keys-on]"));
  root.querySelector("[data-keys]")?.addEventListener("click", actions.help);

  root.addEventListener("player:time", ({ detail }) => {
    if (detail.isPlaying) draft.beat();
    moments.show(detail);
  });
  for (const type of ["keydown", "pointerdown"]) document.addEventListener(type, () => draft.beat());
  form.addEventListener("draft:conflict", ({ detail }) => showConflict(form, draft, detail));
  if (document.querySelector("#conflict[data-version]")) showConflict(form, draft);
  form.addEventListener("submit", (event) => onSubmit(event, form, { draft, marks, moments }));
  root.classList.add("grading--scripted");
  for (const button of document.querySelectorAll("[data-save]")) {
    button.classList.add("visually-hidden"); // it saves by itself; Enter in a field still finds it
    button.tabIndex = -1;
  }
  for (const bar of root.querySelectorAll("[data-needs-script]")) bar.hidden = false;
  addEventListener("pageshow", () => delete form.dataset.leaving);
  focusFirstError(form);
}

/* Saving and marking stay on the page; handing in and putting back wait for what is on its way. */
async function onSubmit(event, form, { draft, marks, moments }) {
  const button = event.submitter;
  if (button?.matches("[data-save], [data-mark], [data-remove]")) {
    event.preventDefault();
    const isInMark = document.activeElement?.closest("#mark, #stamp");
    if (button.matches("[data-remove]")) marks.remove(button);
    else if (button.matches("[data-mark]") || isInMark) marks.add();
    else draft.now();
    return;
  }
  if (form.dataset.leaving === "now") return;
  event.preventDefault();
  if (form.dataset.leaving) return;
  form.dataset.leaving = "soon";
  button?.setAttribute("aria-busy", "true");
  await Promise.all([draft.leave(), moments.settled()]);
  form.dataset.leaving = "now";
  setTimeout(() => form.requestSubmit(button)); // while the event is under way, a submit is ignored
}

/* Both texts of two windows side by side; what is chosen is saved. */
async function showConflict(form, draft, html) {
  const { settle } = await fetched(() => import("./grading_conflict.js"));
  if (html) replaceParts(html);
  settle(form, (version) => draft.settle(version));
}

/* Phases, rungs and whys as they are pressed. What marks them is fetched with the first, or as the recording begins
 * to play; a press keeps its time meanwhile. */
class LaterMoments {
  #form;
  #place;
  #say;
  #loaded = null;
  #moments = null;

  constructor(form, { place, say }) {
    this.#form = form;
    this.#place = place;
    this.#say = say;
    document.addEventListener("click", (event) => this.#onClick(event));
    if (recall(this.#name)) this.#load(); // presses that the last page could not send
  }

  get #name() {
    return `plumbline.moments.${this.#form.dataset.momentUrl}`;
  }

  get #panel() {
    return document.getElementById("moments");
  }

  press(what) {
    const place = this.#place();
    const [kind] = what.split(":"); // of which the rubric may have none
    const isOffered = this.#panel?.querySelector(`[data-moment][value^="${kind}"]`);
    if (place && isOffered) this.#load().then((moments) => moments.press(what, place));
  }

  undo() {
    this.#panel?.querySelector("[data-moment-undo]")?.click();
  }

  show({ ms, isPlaying }) {
    if (this.#moments) this.#moments.show(ms);
    else if (this.#panel && isPlaying) this.#load().then((moments) => moments.show(ms));
  }

  settled() {
    return this.#moments?.settled();
  }

  #onClick(event) {
    const button = event.target.closest(MOMENTS);
    if (!button || (!button.matches("[data-moment-remove]") && !this.#place())) return;
    event.preventDefault();
    if (button.matches("[data-moment]")) this.press(button.value);
    else this.#load().then((moments) => moments.remove(button));
  }

  #load() {
    const sayLater = () => this.#say(this.#panel?.dataset.saidWaiting ?? "");
    this.#loaded ??= fetched(() => import("./moments.js"), sayLater).then(({ Moments }) => {
      this.#moments = new Moments(this.#form, { name: this.#name, draw: replaceParts, say: this.#say, ms: this.#place()?.ms });
      return this.#moments;
    });
    return this.#loaded;
  }
}

/* Loads a module as often as it takes: what was pressed waits for it. */
async function fetched(load, onFailed = () => {}) {
  for (;;) {
    try {
      return await load();
    } catch {
      onFailed();
      await new Promise((resolve) => setTimeout(resolve, FETCH_AGAIN_MS));
    }
  }
}

function focusFirstError(form) {
  const wrong = form.querySelector("[data-step]:not([hidden]) [aria-invalid], [data-step]:not([hidden]) .levels--error input");
  const said = form.querySelector("[data-step]:not([hidden]) .field__error");
  if (said) (wrong ?? said.closest("[data-step]").querySelector("h2")).focus();
  else document.getElementById("refusal")?.focus();
}

/* Shows one step of the scorecard at a time, and which levels still lack evidence. */
class Steps {
  #form;
  #steps;
  #ways;
  #targetRank;
  #now = 0;

  constructor(form, targetRank) {
    this.#form = form;
    this.#targetRank = targetRank;
    this.#steps = [...form.querySelectorAll("[data-step]")];
    this.#ways = [...form.querySelectorAll(".scorecard__to")];
    form.classList.add("scorecard--steps");
    form.querySelector("[data-foot]").hidden = false;
    form.querySelector("[data-back]").addEventListener("click", () => this.go(-1));
    form.querySelector("[data-next]").addEventListener("click", () => this.go(1));
    form.addEventListener("change", () => this.mark());
    document.addEventListener("click", (event) => this.#follow(event));
    this.#open(this.#first());
    this.mark();
  }

  /* The section in view. */
  get section() {
    return this.#steps[this.#now];
  }

  /* What evidence is about here: "dimension:discovery", or nothing on the last steps. */
  get about() {
    return this.section.dataset.about ?? "";
  }

  go(by) {
    const place = Math.min(this.#steps.length - 1, Math.max(0, this.#now + by));
    if (place !== this.#now) this.#open(place, { isAsked: true });
  }

  /* Chooses the level, or on the last step the verdict, that has this key; returns what it says. */
  choose(key) {
    const radio = this.section.querySelector(`input[data-key="${key}"]`);
    if (!radio) return "";
    if (!radio.checked) {
      radio.checked = true;
      radio.dispatchEvent(new Event("input", { bubbles: true }));
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
    const label = radio.closest("label");
    const name = label.querySelector(".level__name")?.firstChild ?? label.querySelector("span");
    return `${this.section.dataset.name}: ${name.textContent.trim()}`;
  }

  /* Brings bars and hints up to what is chosen and marked. */
  mark() {
    this.#steps.forEach((step, place) => {
      const chosen = step.querySelector(".levels input:checked");
      const ticked = step.querySelector("input[type=checkbox]:checked");
      const isDone = Boolean(chosen ?? (step.querySelector(".levels") ? null : ticked));
      const bar = this.#ways[place].parentElement;
      bar.classList.toggle("steps__step--done", isDone);
      bar.classList.toggle("steps__step--now", place === this.#now);
      if (place === this.#now) this.#ways[place].setAttribute("aria-current", "step");
      else this.#ways[place].removeAttribute("aria-current");
      this.#hint(step, chosen);
    });
  }

  #hint(step, chosen) {
    const evidence = step.querySelector("[data-marks]");
    if (!evidence) return;
    const marks = Number(evidence.dataset.marks);
    const isObserved = Boolean(chosen) && chosen.value !== "none";
    const isFar = isObserved && Math.abs(Number(chosen.value) - this.#targetRank) >= FAR_RANKS;
    step.querySelector("[data-hint=none]").hidden = !isObserved || marks > 0;
    step.querySelector("[data-hint=far]").hidden = !isFar || marks !== 1;
  }

  /* The first with an error, else the one the address names, else the first that is open. */
  #first() {
    const wrong = this.#steps.findIndex((step) => step.querySelector(".field__error"));
    if (wrong >= 0) return wrong;
    const named = this.#steps.findIndex((step) => `#${step.id}` === location.hash);
    if (named >= 0) return named;
    const open = this.#steps.findIndex((step) => !step.querySelector(".levels input:checked"));
    return Math.max(0, open);
  }

  #follow(event) {
    const link = event.target.closest("a[href^='#']");
    const place = link && this.#steps.findIndex((step) => `#${step.id}` === link.getAttribute("href"));
    if (!link || place < 0) return;
    event.preventDefault();
    this.#open(place, { isAsked: true });
  }

  #open(place, { isAsked = false } = {}) {
    this.#now = place;
    this.#form.dispatchEvent(new CustomEvent("grading:step", { detail: this.section }));
    this.#steps.forEach((step, other) => (step.hidden = other !== place));
    this.mark();
    this.#form.querySelector("[data-back]").disabled = place === 0;
    this.#form.querySelector("[data-next]").disabled = place === this.#steps.length - 1;
    const said = this.#form.querySelector("[data-place]");
    said.textContent = said.dataset.words
      .replace("{n}", place + 1)
      .replace("{all}", this.#steps.length);
    if (isAsked) this.section.querySelector("h2").focus();
  }
}

/* Marks of evidence in a recording. What makes them is fetched as soon as somebody does anything on the page. */
class LaterMarks {
  #load;

  constructor(form, facts) {
    let loading = null;
    let marks = null;
    this.#load = () => {
      loading ??= fetched(() => import("./grading_marks.js")).then(
        ({ Marks }) => (marks = new Marks(form, { ...facts, replaceParts, tick, fetched })),
      );
      return loading;
    };
    document.addEventListener("click", (event) => {
      if (!marks) this.#load().then((loaded) => loaded.click(event)); // it came before what hears it
    });
    for (const type of ["keydown", "pointerdown"]) document.addEventListener(type, this.#load, { once: true });
    document.addEventListener("selectionchange", this.#load, { once: true });
    if (document.getElementById("mark").open) this.#load();
  }

  evidence() {
    this.#load().then((marks) => marks.evidence());
  }

  signal() {
    this.#load().then((marks) => marks.signal());
  }

  quote() {
    this.#load().then((marks) => marks.quote());
  }

  add() {
    this.#load().then((marks) => marks.add());
  }

  remove(button) {
    this.#load().then((marks) => marks.remove(button));
  }
}

/* Each element of the answer takes the place of the one with its id. */
export function replaceParts(html) {
  const parts = new DOMParser().parseFromString(html, "text/html").body.children;
  for (const part of [...parts]) document.getElementById(part.id)?.replaceWith(part);
}

/* Ticks the signal that a mark is about, if it is about one. */
export function tick(form, about) {
  const key = about.startsWith("signal:") ? about.slice("signal:".length) : "";
  const box = key && form.querySelector(`input[name=downcodes][value="${CSS.escape(key)}"]`);
  if (!box || box.checked) return;
  box.checked = true;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

/* What a key press asks for: [action, argument], or null where it is not ours.
 *
 * `on` says where the focus is: "typing" in a field, "control" on what space and arrows work already,
 * "page" elsewhere.
 */
export function actionOf({ key, code = "", hasModifier = false, hasShift = false, on = "page" }) {
  if (hasModifier || on === "typing") return null;
  if (on === "control" && NATIVE.has(key)) return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (name === "w" && hasShift) return ["press", "why:new"];
  if (Object.hasOwn(ACTIONS, name)) return ACTIONS[name];
  // The digit's own key that gives no digit: with Shift on most keyboards, without it on a French one.
  const rung = RUNG.exec(code);
  return rung ? ["press", `rung:${rung[1]}`] : null;
}

/* Listens to the keys, and to the switch that turns them off. */
class Keys {
  #name;
  #actions;
  #switch;

  /* `actions` maps names to functions; `isOn` is the box that switches the keys, remembered by `name`. */
  constructor(name, actions, isOn) {
    this.#name = `plumbline.keys.${name}`;
    this.#actions = actions;
    this.#switch = isOn;
    isOn.checked = recall(this.#name) !== "off";
    isOn.addEventListener("change", () => remember(this.#name, isOn.checked ? "on" : "off"));
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  #onKey(event) {
    if (!this.#switch.checked || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const on = target.closest(TYPING) ? "typing" : target.closest(PRESSED) ? "control" : "page";
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    const { key, code, shiftKey: hasShift } = event;
    const [name, argument] = actionOf({ key, code, hasModifier, hasShift, on }) ?? [];
    if (!name || !this.#actions[name]) return;
    event.preventDefault();
    if (event.repeat && !REPEATED.has(name)) return;
    this.#actions[name](argument);
  }
}
