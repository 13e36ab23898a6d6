/* Marks evidence without leaving the page: opens the form at the playing time or on a quote, sends it, and puts the
 * lists that the server draws anew in their places.
 */

import { clock } from "./clock.js";
import { post, read } from "./grading_draft.js";

export class Marks {
  #form;
  #steps;
  #player;
  #leadMs;
  #onMarked;
  #backTo = null;
  #isSending = false;
  #replaceParts;
  #tick;
  #fetched;
  #quotes = null; // what is selected, once somebody turns to something to quote
  #loaded = null;

  /* `player` answers the player, or null while there is none; `fetched` loads a module, however often it takes. */
  constructor(form, { steps, player, leadMs, onMarked, replaceParts, tick, fetched }) {
    this.#form = form;
    this.#steps = steps;
    this.#player = player;
    this.#leadMs = leadMs;
    this.#onMarked = onMarked;
    this.#replaceParts = replaceParts;
    this.#tick = tick;
    this.#fetched = fetched;
    this.#dress();
    document.addEventListener("keydown", (event) => this.#onKey(event));
    for (const type of ["focusin", "pointerdown"]) document.addEventListener(type, (event) => this.#turnTo(event.target));
    document.addEventListener("selectionchange", () => this.#turnTo(getSelection()?.anchorNode?.parentElement));
    form.addEventListener("grading:step", () => this.#quotes?.offer());
    document.addEventListener("click", (event) => this.click(event));
    for (const target of [document.activeElement, getSelection()?.anchorNode?.parentElement]) this.#turnTo(target);
  }

  get #box() {
    return document.getElementById("mark");
  }

  #field(name) {
    return document.getElementById(`mark-${name}`);
  }

  /* Evidence for the step in view: the selected lines if some are, else the playing time. */
  evidence() {
    this.#open(this.#about);
  }

  /* A signal: the step's own first, else one of the round's. */
  signal() {
    const own = this.#steps.section.querySelector("input[name=downcodes]");
    this.#open(own ? `signal:${own.value}` : this.#firstAbout("signal:"), { focus: "about" });
  }

  #firstAbout(start) {
    return [...this.#field("about").options].find((one) => one.value.startsWith(start))?.value;
  }

  /* The line of the transcript that is being said; while nothing plays, the one that has the focus. */
  quote() {
    const focused = !this.#player()?.isPlaying && document.activeElement?.closest("[data-lines] li");
    const line = focused || document.querySelector("[data-lines] [aria-current]");
    if (line) this.#quote(line);
  }

  /* What is said on a line, or from the line quoted last through this one. */
  async #quote(line, { isGoingOn = false } = {}) {
    const quotes = await this.#load();
    this.#open(this.#about, { said: quotes.speech(line, { isGoingOn }) });
  }

  /* What evidence is about here: the step in view, else the first dimension. */
  get #about() {
    return this.#steps.about || this.#firstAbout("dimension:");
  }

  #turnTo(target) {
    if (target?.closest?.("[data-artifact], [data-lines]")) this.#load();
  }

  #load() {
    const about = () => [...this.#field("about").options].find((one) => one.value === this.#about)?.text ?? "";
    this.#loaded ??= this.#fetched(() => import("./quotes.js")).then(({ Quotes }) => {
      this.#quotes = new Quotes({ words: this.#form.dataset.saidQuote, about, onQuote: () => this.evidence() });
      return this.#quotes;
    });
    return this.#loaded;
  }

  #open(about, { focus = "note", said } = {}) {
    const quote = said ? "" : this.#quotes?.lines;
    said ??= this.#quotes?.said;
    const player = this.#player();
    this.#backTo ??= document.activeElement;
    if (about) this.#field("about").value = about;
    if (quote) this.#fill(quote);
    else if (said) this.#fill(said.text, clock(said.startMs), clock(said.endMs + 999));
    else if (player) {
      const nowMs = player.currentMs();
      this.#fill("", clock(Math.max(0, nowMs - this.#leadMs)), clock(nowMs));
    }
    this.#showParts();
    this.#box.open = true;
    // Only as far as it takes: who marks a moment goes on seeing it.
    this.#field(focus).focus({ preventScroll: true });
    this.#box.scrollIntoView({ block: "nearest" });
  }

  #fill(quote, start = "", end = "") {
    this.#field("quote").value = quote.slice(0, this.#field("quote").maxLength);
    this.#field("start").value = start;
    this.#field("end").value = end;
  }

  #close() {
    this.#box.open = false;
    this.#fill("");
    this.#field("note").value = "";
    this.#giveFocusBack();
  }

  #giveFocusBack() {
    const target = this.#backTo;
    this.#backTo = null;
    if (target?.isConnected && target !== document.body && target.checkVisibility()) target.focus();
    else this.#steps.section.querySelector("h2").focus({ preventScroll: true });
  }

  /* Sends the mark; what the server refuses stays in the form with the reason. */
  async add() {
    const fields = [...new FormData(this.#form)].filter(([name]) => name.startsWith("mark-"));
    const about = this.#field("about").value;
    const isMarked = await this.#send(this.#form.dataset.markUrl, fields);
    if (!isMarked) return;
    this.#quotes?.clear();
    this.#tick(this.#form, about);
    this.#giveFocusBack();
  }

  async remove(button) {
    if (await this.#send(button.formAction, [])) document.getElementById("notes-title").focus();
  }

  async #send(url, fields) {
    if (this.#isSending) return false;
    this.#isSending = true;
    this.#box.setAttribute("aria-busy", "true");
    const answer = await post(this.#form, url, fields, { "HX-Request": "true" });
    this.#isSending = false;
    this.#box.removeAttribute("aria-busy");
    if (!answer?.text.includes('id="mark"')) {
      this.#fail(read(answer?.text)?.message); // a refusal in words, or another page altogether
      return false;
    }
    this.#replace(answer.text);
    if (answer.status !== 200) (this.#box.querySelector("[aria-invalid]") ?? this.#field("note")).focus();
    return answer.status === 200;
  }

  #replace(html) {
    this.#replaceParts(html);
    this.#dress();
    this.#steps.mark();
    this.#onMarked();
  }

  #dress() {
    this.#box.querySelector("[data-mark-cancel]").hidden = false;
    this.#showParts();
  }

  /* A mark is a time, a quote, or words said at a time: only the fields of what is at hand show. */
  #showParts() {
    const isQuote = Boolean(this.#field("quote").value);
    const isTimed = Boolean(this.#field("start").value);
    const parts = {
      "[data-mark-time]": isQuote && !isTimed,
      "[data-mark-help]": isQuote,
      "[data-mark-quote]": !isQuote,
    };
    for (const [selector, isHidden] of Object.entries(parts)) {
      for (const part of this.#box.querySelectorAll(selector)) part.hidden = isHidden;
    }
  }

  #fail(words) {
    const line = this.#box.querySelector("[data-mark-failed]");
    line.textContent = words ?? this.#form.dataset.saidMarkFailed;
    line.hidden = false;
    this.#box.open = true;
  }

  #onKey(event) {
    if (event.key !== "Escape" || !this.#box.contains(event.target) || !this.#box.open) return;
    event.preventDefault();
    this.#close();
  }

  click(event) {
    const quoted = event.target.closest("[data-quote-line]");
    const isEarly = !this.#quotes && event.target.closest("[data-artifact] .code__line");
    if (isEarly) this.#load().then((quotes) => quotes.press(event));
    if (quoted) this.#quote(quoted.closest("li"), { isGoingOn: event.shiftKey });
    else if (event.target.closest("[data-mark-cancel]")) this.#close();
    else if (event.target.closest("[data-quote], [data-evidence]")) this.evidence();
    else if (event.target.closest("[data-signal]")) this.signal();
  }
}
