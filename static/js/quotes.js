/* What is selected to be quoted: lines of code or notes, words, lines of the transcript.
 *
 * Lines are chosen by keyboard as in a list, by mouse with a click, more of them with Shift. Words that are selected
 * with the mouse stay the browser's.
 */

const MOVES = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export class Quotes {
  #words;
  #about;
  #lists = new Map(); // of lines that can be chosen, by the section they stand in
  #from = null; // the line of the transcript that was quoted last

  /* `words` name the button, with {name} for what `about` answers; `onQuote` opens a mark. */
  constructor({ words, about, onQuote }) {
    this.#words = words;
    this.#about = about;
    for (const section of document.querySelectorAll("[data-artifact]:has([data-quote])")) {
      const list = section.querySelector(".code");
      this.#lists.set(section, new CodeLines(list, { onChange: () => this.offer(), onQuote }));
    }
    document.addEventListener("selectionchange", () => this.offer());
    this.offer();
  }

  /* The words of code or notes that are selected, or the lines that are chosen where the focus is; "" without any. */
  get lines() {
    const focused = [...this.#lists.keys()].find((section) => section.contains(document.activeElement));
    return selectedLines() || (this.#lists.get(focused)?.text ?? "");
  }

  /* A click that came before this did. */
  press(event) {
    this.#lists.get(event.target.closest("[data-artifact]"))?.press(event);
  }

  /* The selected lines of the transcript, or null. */
  get said() {
    return selectedSpeech();
  }

  /* What is said on a line, or from the line quoted last through this one; the selected words of it first. */
  speech(line, { isGoingOn }) {
    const from = isGoingOn && this.#from?.isConnected ? this.#from : line;
    this.#from = from;
    return selectedSpeech() ?? speechFrom(from, line);
  }

  clear() {
    for (const lines of this.#lists.values()) lines.clear();
  }

  /* The button says for which dimension, and shows where there is something to quote. */
  offer() {
    for (const [section, lines] of this.#lists) {
      const button = section.querySelector("[data-quote]");
      const isSelected = lineOf(getSelection()?.anchorNode, section) && selectedLines();
      button.hidden = !isSelected && !lines.text;
      button.querySelector("[data-quote-words]").textContent = this.#words.replace("{name}", this.#about());
    }
  }
}

/* Where a key leads to from a line, of so many; null where the key is not the list's. */
export function movedTo(key, place, count) {
  if (!Object.hasOwn(MOVES, key)) return null;
  return Math.min(count - 1, Math.max(0, place + MOVES[key]));
}

class CodeLines {
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

function lineOf(node, scope = document) {
  const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  const line = element?.closest?.("[data-artifact] .code__line");
  return line && scope.contains(line) ? line : null;
}

/* The selected words of code or notes; over several lines, the whole of each. */
function selectedLines() {
  const selection = getSelection();
  if (!selection || selection.isCollapsed) return "";
  const [from, to] = [lineOf(selection.anchorNode), lineOf(selection.focusNode)];
  if (!from || !to || from.parentElement !== to.parentElement) return "";
  if (from === to) return selection.toString().trim();
  const lines = [...from.parentElement.children];
  const places = [lines.indexOf(from), lines.indexOf(to)].sort((a, b) => a - b);
  return lines
    .slice(places[0], places[1] + 1)
    .map((line) => line.textContent)
    .join("\n")
    .trim();
}

/* What is said from one line of the transcript to another, whichever comes first. */
function speechFrom(one, other) {
  const all = [...one.parentElement.children];
  const [first, last] = [all.indexOf(one), all.indexOf(other)].sort((a, b) => a - b);
  const lines = all.slice(first, last + 1).filter((line) => !line.hidden);
  const times = lines.map((line) => line.querySelector("[data-start-ms]").dataset);
  return {
    startMs: Number(times[0].startMs),
    endMs: Math.max(...times.map(({ endMs }) => Number(endMs))),
    text: lines.map((line) => line.querySelector("[data-said]").textContent.trim()).join("\n"),
  };
}

/* The lines of the transcript that are selected, of one line its selected words; null where none are. */
function selectedSpeech() {
  const selection = getSelection();
  if (!selection || selection.isCollapsed) return null;
  const [from, to] = [selection.anchorNode, selection.focusNode].map((node) =>
    (node?.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest?.("[data-lines] li"),
  );
  if (!from || !to || from.parentElement !== to.parentElement) return null;
  const said = speechFrom(from, to);
  return from === to ? { ...said, text: selectedWithin(from, selection) || said.text } : said;
}

function selectedWithin(line, selection) {
  const words = line.querySelector("[data-said]");
  const range = selection.getRangeAt(0).cloneRange();
  if (!words.contains(range.startContainer)) range.setStart(words, 0);
  if (!words.contains(range.endContainer)) range.setEnd(words, words.childNodes.length);
  return range.toString().trim();
}
