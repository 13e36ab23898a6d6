/* Shows one step of the scorecard at a time, and which levels still lack evidence. */

const FAR_RANKS = 2;

export class Steps {
  #form;
  #steps;
  #ways;
  #targetRank;
  #now = 0;

  constructor(form, targetRank) {
    this.#form = form;
    this.#targetRank = targetRank;
    this.#steps = [...form.querySelectorAll("[data-step]")];
    this.#ways = [...form.querySelectorAll(".scorecard__to")];
    form.classList.add("scorecard--steps");
    form.querySelector("[data-foot]").hidden = false;
    form.querySelector("[data-back]").addEventListener("click", () => this.go(-1));
    form.querySelector("[data-next]").addEventListener("click", () => this.go(1));
    form.addEventListener("change", () => this.mark());
    document.addEventListener("click", (event) => this.#follow(event));
    this.#open(this.#first());
    this.mark();
  }

  /* The section in view. */
  get section() {
    return this.#steps[this.#now];
  }

  /* What evidence is about here: "dimension:discovery", or nothing on the last steps. */
  get about() {
    return this.section.dataset.about ?? "";
  }

  go(by) {
    const place = Math.min(this.#steps.length - 1, Math.max(0, this.#now + by));
    if (place !== this.#now) this.#open(place, { isAsked: true });
  }

  /* Chooses the level, or on the last step the verdict, that has this key; returns what it says. */
  choose(key) {
    const radio = this.section.querySelector(`input[data-key="${key}"]`);
    if (!radio) return "";
    if (!radio.checked) {
      radio.checked = true;
      radio.dispatchEvent(new Event("input", { bubbles: true }));
      radio.dispatchEvent(new Event("change", { bubbles: true }));
    }
    const label = radio.closest("label");
    const name = label.querySelector(".level__name")?.firstChild ?? label.querySelector("span");
    return `${this.section.dataset.name}: ${name.textContent.trim()}`;
  }

  /* Brings bars and hints up to what is chosen and marked. */
  mark() {
    this.#steps.forEach((step, place) => {
      const chosen = step.querySelector(".levels input:checked");
      const ticked = step.querySelector("input[type=checkbox]:checked");
      const isDone = Boolean(chosen ?? (step.querySelector(".levels") ? null : ticked));
      const bar = this.#ways[place].parentElement;
      bar.classList.toggle("steps__step--done", isDone);
      bar.classList.toggle("steps__step--now", place === this.#now);
      if (place === this.#now) this.#ways[place].setAttribute("aria-current", "step");
      else this.#ways[place].removeAttribute("aria-current");
      this.#hint(step, chosen);
    });
  }

  #hint(step, chosen) {
    const evidence = step.querySelector("[data-marks]");
    if (!evidence) return;
    const marks = Number(evidence.dataset.marks);
    const isObserved = Boolean(chosen) && chosen.value !== "none";
    const isFar = isObserved && Math.abs(Number(chosen.value) - this.#targetRank) >= FAR_RANKS;
    step.querySelector("[data-hint=none]").hidden = !isObserved || marks > 0;
    step.querySelector("[data-hint=far]").hidden = !isFar || marks !== 1;
  }

  /* The first with an error, else the one the address names, else the first that is open. */
  #first() {
    const wrong = this.#steps.findIndex((step) => step.querySelector(".field__error"));
    if (wrong >= 0) return wrong;
    const named = this.#steps.findIndex((step) => `#${step.id}` === location.hash);
    if (named >= 0) return named;
    const open = this.#steps.findIndex((step) => !step.querySelector(".levels input:checked"));
    return Math.max(0, open);
  }

  #follow(event) {
    const link = event.target.closest("a[href^='#']");
    const place = link && this.#steps.findIndex((step) => `#${step.id}` === link.getAttribute("href"));
    if (!link || place < 0) return;
    event.preventDefault();
    this.#open(place, { isAsked: true });
  }

  #open(place, { isAsked = false } = {}) {
    this.#now = place;
    this.#steps.forEach((step, other) => (step.hidden = other !== place));
    this.mark();
    this.#form.querySelector("[data-back]").disabled = place === 0;
    this.#form.querySelector("[data-next]").disabled = place === this.#steps.length - 1;
    const said = this.#form.querySelector("[data-place]");
    said.textContent = said.dataset.words
      .replace("{n}", place + 1)
      .replace("{all}", this.#steps.length);
    if (isAsked) this.section.querySelector("h2").focus();
  }
}
