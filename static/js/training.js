/* The page of a vignette: one dimension at a time, and the keys of the grading page.
 *
 * A file of its own, for there is no recording here to play and no draft to save.
 */

const SWITCH = "plumbline.keys.grading";
const TYPING = "textarea, select, input:not([type=radio], [type=checkbox])";

export function attach(root) {
  const form = root.querySelector("form");
  const steps = new Steps(form);
  const keys = document.getElementById("keys");
  const help = root.querySelector("[data-help]");
  const isOn = keys.querySelector("[data-keys-on]");
  help.hidden = false;
  help.addEventListener("click", () => keys.showModal());
  isOn.checked = recall() !== "off";
  isOn.addEventListener("change", () => remember(isOn.checked ? "on" : "off"));
  const actions = {
    j: () => steps.go(1),
    k: () => steps.go(-1),
    "?": () => keys.showModal(),
    ...Object.fromEntries([..."01234"].map((key) => [key, () => steps.choose(key)])),
  };
  document.addEventListener("keydown", (event) => {
    const isOurs = isOn.checked && !event.defaultPrevented && !document.querySelector("dialog[open]");
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    const isTyping = event.target instanceof Element && event.target.closest(TYPING);
    const name = event.key.toLowerCase();
    if (!isOurs || hasModifier || isTyping || !Object.hasOwn(actions, name)) return;
    event.preventDefault();
    actions[name]();
  });
  document.getElementById("refusal")?.focus();
}

/* Shows one step at a time: first the one with an error, else the first that is open. */
class Steps {
  #form;
  #steps;
  #ways;
  #now = 0;

  constructor(form) {
    this.#form = form;
    this.#steps = [...form.querySelectorAll("[data-step]")];
    this.#ways = [...form.querySelectorAll(".scorecard__to")];
    form.classList.add("scorecard--steps");
    form.querySelector("[data-foot]").hidden = false;
    form.querySelector("[data-back]").addEventListener("click", () => this.go(-1));
    form.querySelector("[data-next]").addEventListener("click", () => this.go(1));
    form.addEventListener("change", () => this.#mark());
    document.addEventListener("click", (event) => this.#follow(event));
    const wrong = this.#steps.findIndex((step) => step.querySelector(".field__error"));
    const open = this.#steps.findIndex((step) => !step.querySelector("input:checked"));
    this.#open(Math.max(0, wrong >= 0 ? wrong : open));
  }

  go(by) {
    const place = Math.min(this.#steps.length - 1, Math.max(0, this.#now + by));
    if (place !== this.#now) this.#open(place, { isAsked: true });
  }

  choose(key) {
    const step = this.#steps[this.#now];
    const radio = step.querySelector(`input[data-key="${key}"]`);
    radio.checked = true;
    this.#mark();
    const label = radio.closest("label");
    const name = label.querySelector(".level__name") ?? label.querySelector("span");
    this.#form.querySelector("[data-heard]").textContent = `${step.dataset.name}: ${name.textContent.trim()}`;
  }

  #mark() {
    this.#steps.forEach((step, place) => {
      const bar = this.#ways[place].parentElement;
      bar.classList.toggle("steps__step--done", Boolean(step.querySelector("input:checked")));
      bar.classList.toggle("steps__step--now", place === this.#now);
      if (place === this.#now) this.#ways[place].setAttribute("aria-current", "step");
      else this.#ways[place].removeAttribute("aria-current");
    });
  }

  #follow(event) {
    const link = event.target.closest("a[href^='#']");
    const place = link ? this.#steps.findIndex((step) => `#${step.id}` === link.getAttribute("href")) : -1;
    if (place < 0) return;
    event.preventDefault();
    this.#open(place, { isAsked: true });
  }

  #open(place, { isAsked = false } = {}) {
    this.#now = place;
    this.#steps.forEach((step, other) => (step.hidden = other !== place));
    this.#mark();
    this.#form.querySelector("[data-back]").disabled = place === 0;
    this.#form.querySelector("[data-next]").disabled = place === this.#steps.length - 1;
    const said = this.#form.querySelector("[data-place]");
    said.textContent = said.dataset.words.replace("{n}", place + 1).replace("{all}", this.#steps.length);
    if (isAsked) this.#steps[place].querySelector("h2").focus();
  }
}

function recall() {
  try {
    return localStorage.getItem(SWITCH);
  } catch {
    return null;
  }
}

function remember(value) {
  try {
    localStorage.setItem(SWITCH, value);
  } catch {
    // It holds on this page.
  }
}
