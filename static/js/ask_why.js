/* A question that one begins to write is about the time that the player is at, unless one has typed another. */

import { clock } from "./clock.js";

export function attach(form) {
  const { at_ms: at, text } = form.elements;
  let isBegun = false;
  text.addEventListener("input", () => {
    const ms = document.querySelector("[data-behaviour~=player]")?.player?.currentMs() ?? 0;
    if (!isBegun && !at.value && ms > 0) at.value = clock(ms);
    isBegun = true;
  });
}
