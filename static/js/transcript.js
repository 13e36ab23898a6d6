/* Typing a transcript beside the player: a button puts the time that is playing at the head of a line. */

import { clock, playerIn } from "./player.js";

/* The text with a line that begins with the time where the caret is, and where the caret stands then. Words
 * behind the caret are said from that time on. */
export function withTime(text, caret, time) {
  const before = text.slice(0, caret);
  const after = text.slice(caret);
  const head = before === "" || before.endsWith("\n") ? before : `${before.trimEnd()}\n`;
  const tail = after.startsWith("\n") ? after : after.trimStart();
  const line = `${head}${time} `;
  return { text: line + tail, caret: line.length };
}

export function attach(root) {
  const field = root.querySelector("textarea");
  const button = root.querySelector("[data-put-time]");
  const shown = root.querySelector("[data-now]");
  if (!playerIn()) return void document.addEventListener("player:ready", () => attach(root), { once: true });
  button.closest("[data-needs-script]").hidden = false;
  document.addEventListener("player:time", (event) => (shown.textContent = clock(event.detail.ms)));
  button.addEventListener("click", () => {
    const put = withTime(field.value, field.selectionStart, clock(playerIn().currentMs()));
    field.value = put.text;
    field.focus();
    field.setSelectionRange(put.caret, put.caret);
  });
}
