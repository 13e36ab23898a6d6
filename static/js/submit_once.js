/* Sends a form once: the pressed button turns busy and further presses do nothing.
 *
 * The button is not disabled (its name and value would be lost), and a page that comes back from
 * the browser's history may be sent again.
 */

export function attach(root) {
  let isSent = false;
  let pressed = null;
  root.addEventListener("submit", (event) => {
    if (isSent) {
      event.preventDefault();
      return;
    }
    setTimeout(() => {
      if (event.defaultPrevented) return;
      isSent = true;
      pressed = event.submitter ?? root.querySelector("button:not([type=button])");
      pressed?.setAttribute("aria-busy", "true");
    });
  });
  window.addEventListener("pageshow", () => {
    isSent = false;
    pressed?.removeAttribute("aria-busy");
  });
}
