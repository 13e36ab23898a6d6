/* The session page: says when the server cannot be asked what has moved, and keeps what a stranger's
 * answer, such as the sign-in page, would sweep away. htmx does the asking.
 */

export function attach(root) {
  const offline = root.querySelector("[data-offline]");
  root.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (new URL(xhr.responseURL || location.href).pathname !== location.pathname) {
      event.detail.shouldSwap = false;
      offline.hidden = false;
    }
  });
  /* A page that would load itself anew waits while somebody types on it; it asks again soon. */
  root.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.getResponseHeader("HX-Refresh") && isTyping(root)) event.preventDefault();
  });
  root.addEventListener("htmx:afterRequest", (event) => {
    offline.hidden = event.detail.xhr.status !== 0 && event.detail.xhr.status < 500;
  });
  document.getElementById("refusal")?.focus();
}

function isTyping(root) {
  const field = document.activeElement;
  if (!root.contains(field)) return false;
  return field.matches("select, textarea, input:not([type=radio], [type=checkbox], [type=hidden])");
}
