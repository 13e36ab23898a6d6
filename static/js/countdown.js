/* Counts the seconds of data-seconds down to nothing, on the browser's steady clock.
 *
 * The server says how many they are, so that a wrong clock of the browser shows no wrong time.
 */

import { clock } from "./clock.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function attach(root) {
  const left = 1000 * Number(root.dataset.seconds);
  if (left > DAY_MS) return; // days are told in words
  const endsAt = performance.now() + left;
  const show = () => {
    if (!root.isConnected) clearInterval(timer);
    root.textContent = clock(Math.max(0, endsAt - performance.now() + 999));
  };
  const timer = setInterval(show, 250);
  show();
}
