/* Buttons beside fields for a time in the recording: each takes the time that the player is at. */

import { clock } from "./clock.js";

export function attach(root) {
  const player = () => document.querySelector("[data-behaviour~=player]")?.player;
  for (const button of root.querySelectorAll("[data-time-of]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const field = document.getElementById(button.dataset.timeOf);
      if (!player()) return;
      field.value = clock(player().currentMs());
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
}
