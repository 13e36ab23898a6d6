/* The clock of a turn: how long it runs, and which phase of the time guide should be on.
 *
 * The server says in data-elapsed-s for how long it has run; empty, it has not begun.
 */

import { clock } from "./clock.js";
import { placeOf } from "./recording_time.js";

export function attach(root) {
  if (root.dataset.elapsedS === "") return;
  const startedAt = performance.now() - 1000 * Number(root.dataset.elapsedS);
  const show = () => {
    if (!root.isConnected) clearInterval(timer);
    showTime(root, performance.now() - startedAt);
  };
  const timer = setInterval(show, 500);
  show();
}

function showTime(root, ms) {
  root.querySelector("[data-part=turn-time]").textContent = clock(ms);
  let now = "";
  for (const step of root.querySelectorAll("[data-start-minutes]")) {
    const place = placeOf(ms, Number(step.dataset.startMinutes), Number(step.dataset.endMinutes));
    step.classList.toggle("guide__step--past", place === "past");
    step.classList.toggle("guide__step--now", place === "now");
    if (place === "now") step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
    if (place === "now") now = step.lastElementChild.textContent;
  }
  const phase = root.querySelector("[data-part=turn-phase]");
  if (phase && phase.textContent !== now) phase.textContent = now;
}
