/* Warns before a page is left on which this form holds text that was not sent. */

export function attach(root) {
  const written = () => new URLSearchParams(new FormData(root)).toString();
  const kept = written();
  let isSent = false;
  root.addEventListener("submit", () => {
    isSent = true;
  });
  window.addEventListener("pageshow", () => {
    isSent = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!isSent && root.isConnected && written() !== kept) event.preventDefault();
  });
}
