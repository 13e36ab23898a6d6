/* Shows how much of a text's room is used: “12 / 500”. */

const NEAR = 0.9;

export function attach(root) {
  const text = root.querySelector("textarea[maxlength], input[maxlength]");
  if (!text) return;
  const count = document.createElement("p");
  count.className = "field__count";
  root.append(count);
  const show = () => {
    count.textContent = `${text.value.length} / ${text.maxLength}`;
    count.classList.toggle("field__count--near", text.value.length >= NEAR * text.maxLength);
  };
  text.addEventListener("input", show);
  show();
}
