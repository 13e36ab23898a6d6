/* The keys of the grading page: which key means what, and the switch that turns them off. */

const ACTIONS = {
  " ": ["toggle"],
  ArrowLeft: ["step", -5000],
  ArrowRight: ["step", 5000],
  "[": ["speed", -1],
  "]": ["speed", 1],
  e: ["evidence"],
  x: ["signal"],
  0: ["choose", "0"],
  1: ["choose", "1"],
  2: ["choose", "2"],
  3: ["choose", "3"],
  4: ["choose", "4"],
  j: ["go", 1],
  k: ["go", -1],
  "?": ["help"],
};
const NATIVE = new Set([" ", "ArrowLeft", "ArrowRight"]);
const TYPING = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])";
const PRESSED = "button, a, summary, label, video, audio, input, [role=button], .code";

/* What a key press asks for: [action, argument], or null where it is not ours.
 *
 * `on` says where the focus is: "typing" in a field, "control" on what space and arrows work already,
 * "page" elsewhere.
 */
export function actionOf({ key, hasModifier = false, on = "page" }) {
  if (hasModifier || on === "typing") return null;
  if (on === "control" && NATIVE.has(key)) return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : null;
}

export class Keys {
  #name;
  #actions;
  #switch;

  /* `actions` maps names to functions; `isOn` is the box that switches the keys, remembered by `name`. */
  constructor(name, actions, isOn) {
    this.#name = `plumbline.keys.${name}`;
    this.#actions = actions;
    this.#switch = isOn;
    isOn.checked = read(this.#name) !== "off";
    isOn.addEventListener("change", () => write(this.#name, isOn.checked ? "on" : "off"));
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  #onKey(event) {
    if (!this.#switch.checked || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const on = target.closest(TYPING) ? "typing" : target.closest(PRESSED) ? "control" : "page";
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    const action = actionOf({ key: event.key, hasModifier, on });
    if (!action) return;
    event.preventDefault();
    const [name, argument] = action;
    this.#actions[name](argument);
  }
}

/* Where storage is forbidden, the keys are on. */
function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Not remembered; it holds on this page.
  }
}
