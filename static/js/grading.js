/* The grading page: steps, keys, marks and the draft work on one scorecard. Each is in a module of its own. */

import { Draft } from "./grading_draft.js";
import { Keys } from "./grading_keys.js";
import { Marks } from "./grading_marks.js";
import { Steps } from "./grading_steps.js";
import { playerIn } from "./player.js";

export function attach(root) {
  const form = document.getElementById("scorecard");
  const heard = form.querySelector("[data-heard]");
  const say = (words) => (heard.textContent = words);
  const player = () => playerIn(root);

  const draft = new Draft(form, document.getElementById("draft-state"));
  const steps = new Steps(form, Number(root.dataset.targetRank));
  const marks = new Marks(form, {
    steps,
    player,
    leadMs: 1000 * Number(root.dataset.markLeadS),
    onMarked: () => draft.now(),
  });

  const keys = document.getElementById("keys");
  const actions = {
    toggle: () => player()?.toggle(),
    step: (ms) => player()?.step(ms),
    speed: (by) => player()?.speed(by),
    evidence: () => marks.evidence(),
    signal: () => marks.signal(),
    choose: (key) => say(steps.choose(key)),
    go: (by) => steps.go(by),
    help: () => keys.showModal(),
  };
  new Keys("grading", actions, keys.querySelector("[data-keys-on]"));

  root.addEventListener("player:time", (event) => {
    if (event.detail.isPlaying) draft.beat();
  });
  form.addEventListener("submit", (event) => onSubmit(event, form, draft, marks));
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
async function onSubmit(event, form, draft, marks) {
  const button = event.submitter;
  if (button?.matches("[data-save], [data-mark], [data-remove]")) {
    event.preventDefault();
    const isInMark = document.activeElement?.closest("#mark");
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
  await draft.leave();
  form.dataset.leaving = "now";
  setTimeout(() => form.requestSubmit(button)); // while the event is under way, a submit is ignored
}

function focusFirstError(form) {
  const wrong = form.querySelector("[data-step]:not([hidden]) [aria-invalid], [data-step]:not([hidden]) .levels--error input");
  const said = form.querySelector("[data-step]:not([hidden]) .field__error");
  if (said) (wrong ?? said.closest("[data-step]").querySelector("h2")).focus();
  else document.getElementById("refusal")?.focus();
}
