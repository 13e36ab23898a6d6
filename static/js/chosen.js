/* Says beside the button which of the many times is chosen. Without it the choice itself shows. */

export function attach(root) {
  const place = root.querySelector("[data-part=chosen]");
  const [own, theirs] = place.children;
  const show = () => {
    const chosen = root.querySelector("input[data-told]:checked");
    own.textContent = chosen?.dataset.told ?? place.dataset.empty;
    theirs.textContent = chosen?.dataset.theirs ?? "";
    place.classList.toggle("chosen--set", Boolean(chosen));
  };
  root.addEventListener("change", show);
  window.addEventListener("pageshow", show);
  show();
}
