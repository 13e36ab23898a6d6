/* Copies the field beside the button and says so. */

const SHOWN_MS = 2000;

export function attach(root) {
  const field = root.querySelector("input");
  const button = root.querySelector("button");
  const label = button.querySelector("span");
  const idle = label.textContent;
  label.setAttribute("role", "status");
  button.hidden = false;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.focus();
      field.select();
      return;
    }
    label.textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = idle; }, SHOWN_MS);
  });
}
