/* The lines of a transcript: they follow the player, are found by their words, and lead to their time. */

/* The place of the line that a moment belongs to, the last that has begun; -1 before the first. */
export function lineAt(starts, ms) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/* Whether words hold all that is searched for, however it is written. */
export function holds(words, sought) {
  const plain = (text) => text.toLocaleLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  const all = plain(words);
  return plain(sought)
    .split(/\s+/)
    .every((word) => all.includes(word));
}

export class Lines {
  #box;
  #list;
  #player;
  #lines;
  #words;
  #starts;
  #ends;
  #now = -1;
  #open = 0;
  #isFollowing = true;
  #action;

  constructor(box, player) {
    this.#box = box;
    this.#player = player;
    this.#list = box.querySelector("[data-lines]");
    this.#lines = [...this.#list.querySelectorAll("li")];
    this.#words = this.#lines.map((line) => line.textContent);
    const links = this.#lines.map((line) => line.querySelector("[data-start-ms]"));
    this.#starts = links.map(({ dataset }) => Number(dataset.startMs));
    this.#ends = links.map(({ dataset }) => Number(dataset.endMs));
    this.#action = box.querySelector("template[data-line-action]")?.content.firstElementChild?.cloneNode(true);
    for (const part of box.querySelectorAll("[data-needs-script]")) part.hidden = false;
    this.#listen();
  }

  /* What is said at a moment; nothing where nobody speaks. */
  textAt(ms) {
    const place = lineAt(this.#starts, ms);
    return place < 0 || ms >= this.#ends[place] ? "" : this.#lines[place].querySelector("[data-said]").textContent;
  }

  /* Marks the line that is said, and keeps it in view unless the reader has gone elsewhere. */
  show(ms) {
    const place = lineAt(this.#starts, ms);
    if (place === this.#now) return;
    this.#lines[this.#now]?.removeAttribute("aria-current");
    this.#now = place;
    if (place < 0) return;
    this.#lines[place].setAttribute("aria-current", "true");
    if (!this.#list.contains(document.activeElement)) this.#rove(place);
    if (this.#isFollowing) this.#scrollTo(place);
  }

  #listen() {
    const list = this.#list;
    for (const type of ["wheel", "touchmove"]) {
      list.addEventListener(type, () => this.#follow(false), { passive: true });
    }
    list.addEventListener("pointerdown", (event) => {
      if (event.target === list) this.#follow(false); // its scroll bar
    });
    list.addEventListener("keydown", (event) => this.#onKey(event));
    list.addEventListener("click", () => this.#follow(true));
    for (const type of ["pointerover", "focusin"]) {
      list.addEventListener(type, (event) => this.#lend(event.target.closest("li")));
    }
    this.#box.querySelector("[data-follow]").addEventListener("click", () => {
      this.#follow(true);
      this.#scrollTo(this.#now);
    });
    const search = this.#box.querySelector("[data-search]");
    search.addEventListener("input", () => this.#find(search.value.trim()));
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "ArrowDown") return;
      event.preventDefault();
      this.#focus(this.#lines.findIndex((line) => !line.hidden));
    });
  }

  #follow(isOn) {
    this.#isFollowing = isOn;
    this.#box.querySelector("[data-follow]").hidden = isOn;
  }

  /* The page's own button stands in one line at a time: there may be thousands. */
  #lend(line) {
    if (!this.#action || !line || this.#action.parentElement === line) return;
    line.append(this.#action);
  }

  #onKey(event) {
    const keys = { ArrowUp: -1, ArrowDown: 1, PageUp: -8, PageDown: 8, Home: -Infinity, End: Infinity };
    if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#follow(false);
    const shown = this.#lines.filter((line) => !line.hidden);
    const here = shown.indexOf(document.activeElement.closest("li"));
    const next = Math.max(0, Math.min(shown.length - 1, here + keys[event.key]));
    this.#focus(this.#lines.indexOf(shown[next]));
  }

  #focus(place) {
    if (place < 0) return;
    this.#rove(place);
    this.#lines[place].querySelector("a").focus();
  }

  #rove(place) {
    this.#lines[this.#open]?.querySelector("a").setAttribute("tabindex", "-1");
    this.#lines[place].querySelector("a").setAttribute("tabindex", "0");
    this.#open = place;
  }

  /* Glides to a line near by. A jump is made twice: lines not drawn yet have a height that is guessed. */
  #scrollTo(place) {
    const line = this.#lines[place];
    if (!line || line.hidden) return;
    const list = this.#list;
    const top = () => {
      const { top: from } = list.getBoundingClientRect();
      return line.getBoundingClientRect().top - from + list.scrollTop - list.clientHeight / 3;
    };
    const isNear = Math.abs(top() - list.scrollTop) < list.clientHeight;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    list.scrollTo({ top: top(), behavior: isNear && !isCalm ? "smooth" : "auto" });
    if (!isNear) requestAnimationFrame(() => list.scrollTo({ top: top() }));
  }

  #find(sought) {
    let found = 0;
    this.#lines.forEach((line, place) => {
      line.hidden = sought !== "" && !holds(this.#words[place], sought);
      if (!line.hidden) found += 1;
    });
    const first = this.#lines.findIndex((line) => !line.hidden);
    if (first >= 0 && this.#lines[this.#open].hidden) this.#rove(first);
    const words = found === 1 ? this.#box.dataset.saidOne : this.#box.dataset.saidMany.replace("{n}", found);
    this.#box.querySelector("[data-found]").textContent = sought ? words : "";
    if (!sought) this.#scrollTo(this.#now);
  }
}
