/* Opens what is folded on paper, as nobody can press it there, and folds it again afterwards. */

export function attach(root) {
  const folded = () => root.querySelectorAll("details[data-print-open]:not([open])");
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...folded()];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
  const button = root.querySelector("[data-print]");
  button.hidden = false;
  button.addEventListener("click", () => print());
}
