/* Two windows' drafts side by side: what is chosen of each goes into the scorecard of this one. */

/* Makes the comparison on the page work; `onChosen(version)` is told over which version the form is to stand. */
export function settle(form, onChosen) {
  const section = document.getElementById("conflict");
  section.querySelector("[data-conflict-save]").addEventListener("click", (event) => {
    event.preventDefault();
    for (const field of section.querySelectorAll("[data-field]")) choose(form, field);
    const left = document.createElement("div");
    left.id = "conflict";
    left.hidden = true;
    section.replaceWith(left);
    form.dispatchEvent(new Event("change"));
    onChosen(section.dataset.version);
    form.querySelector("[data-step]:not([hidden]) h2").focus();
  });
  section.focus();
}

function choose(form, field) {
  const { value: whose } = field.querySelector("input:checked");
  if (whose === "mine") return;
  const name = field.dataset.field;
  const values = JSON.parse(field.querySelector("[data-values]").dataset.values);
  for (const control of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
    if (["radio", "checkbox"].includes(control.type)) control.checked = values.includes(control.value);
    else control.value = whose === "both" ? [values[0], control.value].filter(Boolean).join("\n\n") : values[0];
  }
}
