/* Opens the <dialog> that the button names in data-dialog. Escape and a click beside it close it. */

export function attach(root) {
  const dialog = document.getElementById(root.dataset.dialog);
  root.hidden = false;
  root.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
