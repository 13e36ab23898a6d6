/* Marks evidence without leaving the page: opens the form at the playing time or on a quote, sends it, and
 * puts the lists that the server draws anew in their places. */

import { post } from "./grading_post.js";
import { clock } from "./recording_time.js";

export class Marks {
  #form;
  #steps;
  #player;
  #leadMs;
  #onMarked;
  #backTo = null;
  #isSending = false;

  /* `player` answers the player, or null while there is none. */
  constructor(form, { steps, player, leadMs, onMarked }) {
    this.#form = form;
    this.#steps = steps;
    this.#player = player;
    this.#leadMs = leadMs;
    this.#onMarked = onMarked;
    this.#dress();
    document.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener("selectionchange", () => this.#offerQuote());
    document.addEventListener("click", (event) => this.#onClick(event));
  }

  get #box() {
    return document.getElementById("mark");
  }

  #field(name) {
    return document.getElementById(`mark-${name}`);
  }

  /* Evidence for the step in view: the selected lines if some are, else the playing time. */
  evidence() {
    this.#open(this.#steps.about || this.#firstAbout("dimension:"));
  }

  /* A signal: the step's own first, else one of the round's. */
  signal() {
    const own = this.#steps.section.querySelector("input[name=downcodes]");
    this.#open(own ? `signal:${own.value}` : this.#firstAbout("signal:"), { focus: "about" });
  }

  #firstAbout(start) {
    return [...this.#field("about").options].find((one) => one.value.startsWith(start))?.value;
  }

  #open(about, { focus = "note" } = {}) {
    const quote = selectedLines();
    const player = this.#player();
    this.#backTo ??= document.activeElement;
    if (about) this.#field("about").value = about;
    if (quote && this.#field("quote")) {
      this.#field("quote").value = quote;
      this.#field("start").value = this.#field("end").value = "";
    } else if (player) {
      const nowMs = player.currentMs();
      this.#field("start").value = clock(Math.max(0, nowMs - this.#leadMs));
      this.#field("end").value = clock(nowMs);
      if (this.#field("quote")) this.#field("quote").value = "";
    }
    this.#showParts();
    this.#box.open = true;
    this.#field(focus).focus();
  }

  #close() {
    this.#box.open = false;
    for (const name of ["start", "end", "note", "quote"]) {
      if (this.#field(name)) this.#field(name).value = "";
    }
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
    if (about.startsWith("signal:")) this.#tick(about.slice("signal:".length));
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
    if (answer === null || answer.isSignedOut || answer.status >= 500 || answer.status === 404) {
      this.#fail();
      return false;
    }
    this.#replace(answer.text);
    if (answer.status !== 200) (this.#box.querySelector("[aria-invalid]") ?? this.#field("note")).focus();
    return answer.status === 200;
  }

  /* Each element of the answer takes the place of the one with its id. */
  #replace(html) {
    const place = document.querySelector(".timeline__head")?.getAttribute("x1");
    const parts = new DOMParser().parseFromString(html, "text/html").body.children;
    for (const part of [...parts]) document.getElementById(part.id)?.replaceWith(part);
    if (place) {
      document.querySelector(".timeline__head")?.setAttribute("x1", place);
      document.querySelector(".timeline__head")?.setAttribute("x2", place);
      document.querySelector(".timeline__played")?.setAttribute("width", place);
    }
    this.#dress();
    this.#steps.mark();
    this.#onMarked();
  }

  #dress() {
    this.#box.querySelector("[data-mark-cancel]").hidden = false;
    this.#showParts();
  }

  /* A mark is a time or a quote: only the fields of the one at hand show. */
  #showParts() {
    const isQuote = Boolean(this.#field("quote")?.value);
    const parts = { "[data-mark-time], [data-mark-help]": isQuote, "[data-mark-quote]": !isQuote };
    for (const [selector, isHidden] of Object.entries(parts)) {
      for (const part of this.#box.querySelectorAll(selector)) part.hidden = isHidden;
    }
  }

  #fail() {
    const line = this.#box.querySelector("[data-mark-failed]");
    line.textContent = this.#form.dataset.saidMarkFailed;
    line.hidden = false;
    this.#box.open = true;
  }

  #tick(key) {
    const box = this.#form.querySelector(`input[name=downcodes][value="${CSS.escape(key)}"]`);
    if (!box || box.checked) return;
    box.checked = true;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #onKey(event) {
    if (event.key !== "Escape" || !this.#box.contains(event.target) || !this.#box.open) return;
    event.preventDefault();
    this.#close();
  }

  #onClick(event) {
    if (event.target.closest("[data-mark-cancel]")) this.#close();
    else if (event.target.closest("[data-quote], [data-evidence]")) this.evidence();
    else if (event.target.closest("[data-signal]")) this.signal();
    else if (event.target.closest("#timeline") && !event.target.closest("a")) this.#seekTo(event);
  }

  #seekTo(event) {
    const player = this.#player();
    const box = document.querySelector(".timeline__track")?.getBoundingClientRect();
    if (player && box) player.seek(((event.clientX - box.left) / box.width) * player.durationMs());
  }

  #offerQuote() {
    for (const section of document.querySelectorAll("[data-artifact]")) {
      const button = section.querySelector("[data-quote]");
      if (button) button.hidden = !lineOf(getSelection()?.anchorNode, section) || !selectedLines();
    }
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
