/* Lines of code or notes that are chosen to be quoted: by keyboard as in a list, by mouse with a click, more of
 * them with Shift. Words that are selected with the mouse stay the browser's.
 */

const MOVES = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

/* Where a key leads to from a line, of so many; null where the key is not the list's. */
export function movedTo(key, place, count) {
  if (!Object.hasOwn(MOVES, key)) return null;
  return Math.min(count - 1, Math.max(0, place + MOVES[key]));
}

export class CodeLines {
  #list;
  #lines;
  #onChange;
  #onQuote;
  #active = 0;
  #anchor = null; // where the choice began, or null while nothing is chosen

  /* `onChange` hears of another choice, `onQuote` that it is to be quoted. */
  constructor(list, { onChange, onQuote }) {
    this.#list = list;
    this.#lines = [...list.children];
    this.#onChange = onChange;
    this.#onQuote = onQuote;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-multiselectable", "true");
    for (const line of this.#lines) line.setAttribute("role", "option");
    list.classList.add("code--choosing");
    list.addEventListener("keydown", (event) => this.#onKey(event));
    list.addEventListener("mousedown", (event) => this.#onMouse(event));
    list.addEventListener("click", (event) => this.press(event));
    list.addEventListener("focus", () => this.#show());
    this.#show();
  }

  get text() {
    return this.#chosen.map((line) => line.textContent).join("\n").trim();
  }

  clear() {
    if (this.#anchor === null) return;
    this.#anchor = null;
    this.#show();
  }

  get #chosen() {
    if (this.#anchor === null) return [];
    const [from, to] = [this.#anchor, this.#active].sort((one, other) => one - other);
    return this.#lines.slice(from, to + 1);
  }

  #choose(place, { isMore }) {
    this.#anchor = isMore ? (this.#anchor ?? this.#active) : place;
    this.#active = place;
    this.#show();
    this.#lines[place].scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isFirst = this.#anchor === null && !event.shiftKey && event.key.startsWith("Arrow");
    const place = isFirst && event.key in MOVES ? this.#active : movedTo(event.key, this.#active, this.#lines.length);
    if (place !== null) this.#choose(place, { isMore: event.shiftKey });
    else if (event.key === " ") this.#choose(this.#active, { isMore: event.shiftKey });
    else if (event.key === "Escape" && this.#anchor !== null) this.clear();
    else if (event.key === "Enter" && this.#anchor !== null) this.#onQuote();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /* With Shift the browser would select words. */
  #onMouse(event) {
    if (event.shiftKey && event.target.closest(".code__line")) event.preventDefault();
  }

  /* A click chooses the line it is on; with Shift all up to it. */
  press(event) {
    const place = this.#lines.indexOf(event.target.closest(".code__line"));
    if (place < 0 || !getSelection().isCollapsed) return;
    const isOnlyOne = this.#anchor === place && this.#active === place;
    if (isOnlyOne && !event.shiftKey) this.clear();
    else this.#choose(place, { isMore: event.shiftKey });
    this.#list.focus({ preventScroll: true });
  }

  #show() {
    const chosen = new Set(this.#chosen);
    this.#lines.forEach((line, place) => {
      line.setAttribute("aria-selected", String(chosen.has(line)));
      line.classList.toggle("code__line--active", place === this.#active);
    });
    if (this.#lines.length) this.#list.setAttribute("aria-activedescendant", this.#lines[this.#active].id);
    this.#onChange();
  }
}
