/* The week as a grid of half hours over the form's fields, which are the truth.
 *
 * Each change is written into the fields of from and until, and what is typed there is drawn. A
 * mouse or a pen paints by dragging. A finger scrolls as anywhere: it paints once it was held still
 * for a moment, and a tap sets one half hour. By keyboard one cell is a stop, and arrows move.
 * Painting starts from what the first cell is: free ones are erased, others are set free.
 */

import {
  DAY,
  STEP,
  blocks,
  clock,
  covered,
  erase,
  inOrder,
  isCovered,
  minutesOn,
  paint,
  spanOf,
  textOf,
  wordsOf,
} from "./week_spans.js";

const ROWS = DAY / STEP;
const NIGHT_ROWS = 12; // until 06:00, folded while nothing is in them
const HOLD_MS = 250;
const STILL_PX = 8;
const PREVIEW_MS = 350;
const PAGE_ROWS = 4;

export function attach(root) {
  new WeekGrid(root);
}

/* What the page lends to be said; each {name} is replaced by a fact. */
function wordsIn(root) {
  const template = root.querySelector("template[data-part=words]");
  const words = new Map(
    [...template.content.children].map((one) => [one.dataset.word, one.textContent.trim()]),
  );
  const say = (key, facts = {}) =>
    words.get(key).replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
  return { say };
}

function make(name, className = "", facts = {}) {
  const element = Object.assign(document.createElement(name), { className });
  for (const [key, value] of Object.entries(facts)) element.setAttribute(key, value);
  return element;
}

class WeekGrid {
  #form;
  #words;
  #days;
  #fields;
  #spans = [];
  #cells = [];
  #rows = [];
  #layer;
  #pick;
  #body;
  #fold;
  #totals = [];
  #at = { day: 0, row: 36 }; // Monday 18:00
  #anchor = null;
  #drag = null;
  #touch = null;
  #kept;
  #isSent = false;
  #timer = 0;
  #asked = null;

  constructor(form) {
    this.#form = form;
    this.#words = wordsIn(form);
    this.#fields = [...form.querySelectorAll("[data-weekday]")];
    this.#days = this.#fields.map((field) => field.dataset);
    this.#kept = form.hasAttribute("data-unsaved") ? "" : this.#written();
    this.#prepareFields();
    this.#read();
    this.#build(form.querySelector("[data-part=grid]"));
    this.#listen();
    this.#draw();
  }

  // The fields

  #prepareFields() {
    for (const field of this.#fields) {
      field.blank = field.querySelector("[data-part=row]").cloneNode(true);
      field.blank.classList.remove("field--error");
      field.blank.querySelector(".field__error")?.remove();
      for (const input of field.blank.querySelectorAll("input")) {
        for (const name of ["value", "aria-invalid", "aria-describedby", "autofocus"])
          input.removeAttribute(name);
      }
    }
    for (const button of this.#form.querySelectorAll("[data-part=remove]")) button.hidden = false;
    for (const field of this.#fields) field.blank.querySelector("[data-part=remove]").hidden = false;
  }

  #rowsOf(field) {
    return [...field.querySelectorAll("[data-part=row]")].map((element) => {
      const [from, until] = element.querySelectorAll("input");
      const span = spanOf(Number(field.dataset.weekday), from.value, until.value);
      return { element, from, until, span, isBlank: !from.value && !until.value };
    });
  }

  #read() {
    const rows = this.#fields.flatMap((field) => this.#rowsOf(field));
    this.#spans = rows.map(({ span }) => span).filter(Boolean);
  }

  /* Write spans into the fields of the days that changed; a row that is half typed stays. */
  #write(spans) {
    this.#spans = spans;
    for (const field of this.#fields) {
      const day = Number(field.dataset.weekday);
      const wanted = inOrder(spans.filter((span) => span.day === day));
      const rows = this.#rowsOf(field);
      const found = rows.map(({ span }) => span).filter(Boolean);
      const told = (list) => list.map(({ start, end }) => `${start}-${end}`).join();
      if (told(inOrder(found)) === told(wanted)) continue;
      const halves = rows.filter(({ span, isBlank }) => !span && !isBlank);
      const list = field.querySelector("[data-part=rows]");
      const made = wanted.map(({ start, end }) => this.#row(field, textOf(start), textOf(end)));
      const all = [...made, ...halves.map(({ element }) => element)];
      list.replaceChildren(...(all.length ? all : [this.#row(field)]));
    }
    this.#changed();
  }

  #row(field, from = "", until = "") {
    const row = field.blank.cloneNode(true);
    const [first, last] = row.querySelectorAll("input");
    [first.value, last.value] = [from, until];
    return row;
  }

  #addRow(field) {
    const row = this.#row(field);
    field.querySelector("[data-part=rows]").append(row);
    row.querySelector("input").focus();
  }

  #removeRow(button) {
    const field = button.closest("[data-weekday]");
    const row = button.closest("[data-part=row]");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    if (next) row.remove();
    else row.replaceWith(this.#row(field));
    (next ?? field).querySelector("input").focus();
    this.#read();
    this.#changed();
  }

  #copyMonday() {
    const monday = this.#spans.filter((span) => span.day === 0);
    const rest = this.#spans.filter((span) => span.day === 0 || span.day > 4);
    this.#write([...rest, ...[1, 2, 3, 4].flatMap((day) => monday.map((span) => ({ ...span, day })))]);
    this.#say(this.#words.say("copied"));
  }

  #clear() {
    this.#write([]);
    for (const field of this.#fields)
      field.querySelector("[data-part=rows]").replaceChildren(this.#row(field));
    this.#changed();
    this.#say(this.#words.say("cleared"));
  }

  #written() {
    const data = new FormData(this.#form);
    return JSON.stringify([...data].filter(([name]) => name !== "csrfmiddlewaretoken"));
  }

  get #isChanged() {
    return this.#written() !== this.#kept;
  }

  // Building

  #build(place) {
    const table = make("div", "grid__table", {
      role: "grid",
      "aria-label": this.#words.say("label"),
      "aria-multiselectable": "true",
    });
    const head = make("div", "grid__row grid__head", { role: "row" });
    head.append(make("span", "", { role: "presentation" }));
    for (const day of this.#days) {
      const cell = make("span", "grid__day", { role: "columnheader", "aria-label": day.name });
      const total = make("span", "grid__total", { "aria-hidden": "true" });
      cell.append(day.short, total);
      this.#totals.push(total);
      head.append(cell);
    }
    this.#fold = make("button", "grid__fold", { type: "button", "aria-expanded": "false" });
    table.append(head);
    this.#body = make("div", "grid__body", { role: "rowgroup" });
    for (let row = 0; row < ROWS; row += 1) this.#body.append(this.#buildRow(row));
    table.append(this.#body);
    this.#layer = make("div", "grid__layer", { "aria-hidden": "true" });
    for (const _day of this.#days) this.#layer.append(make("div", "grid__column"));
    this.#pick = make("div", "grid__pick", { "aria-hidden": "true", hidden: "" });
    this.#layer.append(this.#pick);
    this.#body.append(this.#layer);
    const frame = make("div", "grid");
    frame.append(table);
    place.append(this.#fold, frame);
    const hasNight = this.#days.some((_day, day) =>
      covered(this.#spans, day * DAY, day * DAY + NIGHT_ROWS * STEP).length > 0);
    this.#showNight(hasNight);
    const hint = this.#form.querySelector("[data-part=hint]");
    hint.textContent = this.#words.say(matchMedia("(pointer: coarse)").matches ? "hint_touch" : "hint");
    hint.hidden = false;
    this.#cellAt(this.#at).tabIndex = 0;
  }

  #buildRow(row) {
    const isHour = row % 2 === 0;
    const minute = row * STEP;
    const isNight = minute < 7 * 60 || minute >= 22 * 60;
    const line = make("div", "grid__row", { role: "row" });
    line.classList.toggle("grid__row--hour", isHour);
    line.classList.toggle("grid__row--night", isNight);
    const head = make("span", "grid__hour", { role: "rowheader" });
    const time = make("span", isHour ? "" : "visually-hidden");
    time.textContent = clock(minute);
    head.append(time);
    line.append(head);
    this.#cells.push(
      this.#days.map((_day, day) => {
        const cell = make("span", "grid__cell", { role: "gridcell", tabindex: "-1" });
        cell.place = { day, row };
        line.append(cell);
        return cell;
      }),
    );
    this.#rows.push(line);
    return line;
  }

  get #firstRow() {
    return this.#fold.getAttribute("aria-expanded") === "true" ? 0 : NIGHT_ROWS;
  }

  #showNight(isShown) {
    this.#fold.setAttribute("aria-expanded", String(isShown));
    this.#fold.textContent = this.#words.say(isShown ? "night_hide" : "night_show");
    for (const row of this.#rows.slice(0, NIGHT_ROWS)) row.hidden = !isShown;
    if (!isShown && this.#at.row < NIGHT_ROWS) this.#moveTo({ ...this.#at, row: NIGHT_ROWS }, false);
  }

  // Drawing

  #draw() {
    for (const [row, cells] of this.#cells.entries()) {
      for (const [day, cell] of cells.entries()) {
        const from = day * DAY + row * STEP;
        const parts = covered(this.#spans, from, from + STEP);
        const isFree = isCovered(this.#spans, from, from + STEP);
        const facts = {
          day: this.#days[day].name,
          span: wordsOf(row * STEP, (row + 1) * STEP),
          part: parts.map(([start, end]) => wordsOf(start - day * DAY, end - day * DAY)).join(", "),
        };
        const key = isFree ? "free" : parts.length ? "part" : "taken";
        const label = this.#words.say(key, facts);
        if (cell.getAttribute("aria-label") === label) continue;
        cell.setAttribute("aria-label", label);
        cell.setAttribute("aria-selected", String(key !== "taken"));
      }
    }
    this.#drawSpans();
    for (const [day, total] of this.#totals.entries()) {
      const n = Math.round((10 * minutesOn(this.#spans, day)) / 60) / 10;
      total.textContent = n ? this.#words.say("total", { n }) : "–";
    }
  }

  #drawSpans() {
    const columns = [...this.#layer.querySelectorAll(".grid__column")];
    for (const column of columns) column.replaceChildren();
    const first = this.#firstRow * STEP;
    for (const block of blocks(this.#spans)) {
      if (block.end <= first) continue;
      const top = Math.max(block.start, first);
      const element = make("div", "grid__span");
      element.classList.toggle("grid__span--rest", block.isRest || top > block.start);
      element.classList.toggle("grid__span--cut", block.isCut);
      element.style.setProperty("--top", (top - first) / STEP);
      element.style.setProperty("--rows", (block.end - top) / STEP);
      element.title = block.words;
      const [from, until] = block.words.split("–");
      for (const end of [block.isRest ? "" : from, block.isCut ? "" : until]) {
        element.append(Object.assign(make("b"), { textContent: end }));
      }
      columns[block.day].append(element);
    }
  }

  #drawPick() {
    const box = this.#box;
    const isShown = box !== null && (this.#drag !== null || this.#anchor !== null);
    this.#pick.hidden = !isShown;
    if (!isShown) return;
    this.#pick.style.setProperty("--day", box.days[0]);
    this.#pick.style.setProperty("--days", box.days[1] - box.days[0] + 1);
    this.#pick.style.setProperty("--top", Math.max(0, box.rows[0] - this.#firstRow));
    this.#pick.style.setProperty("--rows", box.rows[1] - Math.max(box.rows[0], this.#firstRow) + 1);
    const isErased = this.#drag ? this.#drag.isErased : this.#isFreeAt(this.#anchor);
    this.#pick.classList.toggle("grid__pick--erases", isErased);
    this.#pick.textContent = this.#spanOf(box);
  }

  /* What is chosen: days and rows, both ends included. */
  get #box() {
    const from = this.#drag?.from ?? this.#anchor ?? this.#at;
    const to = this.#drag?.to ?? this.#at;
    return {
      days: [Math.min(from.day, to.day), Math.max(from.day, to.day)],
      rows: [Math.min(from.row, to.row), Math.max(from.row, to.row)],
    };
  }

  #spanOf({ rows }) {
    return wordsOf(rows[0] * STEP, (rows[1] + 1) * STEP);
  }

  #daysOf({ days }) {
    const [first, last] = days.map((day) => this.#days[day].name);
    return first === last ? first : this.#words.say("days", { first, last });
  }

  // Changing

  #isFreeAt({ day, row }) {
    const from = day * DAY + row * STEP;
    return isCovered(this.#spans, from, from + STEP);
  }

  /* Set what is chosen free, or take it back where the cell it began at is free. */
  #apply(box, isErased) {
    let spans = this.#spans;
    for (let day = box.days[0]; day <= box.days[1]; day += 1) {
      const [from, to] = [day * DAY + box.rows[0] * STEP, day * DAY + (box.rows[1] + 1) * STEP];
      spans = (isErased ? erase : paint)(spans, from, to);
    }
    this.#write(spans);
    const facts = { day: this.#daysOf(box), span: this.#spanOf(box) };
    this.#say(this.#words.say(isErased ? "taken" : "free", facts));
  }

  #changed() {
    this.#draw();
    const state = this.#form.querySelector("[data-part=state]");
    state.textContent = this.#words.say("unsaved");
    state.hidden = !this.#isChanged;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#preview(), PREVIEW_MS);
  }

  /* Ask what peers would see. Without an answer the preview stays as it is. */
  async #preview() {
    const place = document.getElementById("preview");
    if (!place) return;
    this.#asked?.abort();
    this.#asked = new AbortController();
    const data = new FormData(this.#form);
    data.set("do", "preview");
    data.set("is_saved", this.#isChanged ? "0" : "1");
    try {
      const answer = await fetch(this.#form.action, {
        method: "POST",
        body: data,
        signal: this.#asked.signal,
      });
      if (answer.status === 200 && !answer.redirected) place.innerHTML = await answer.text();
    } catch {
      // Offline, or asked anew: what is shown was right for what is saved.
    }
  }

  #say(words) {
    this.#form.querySelector("[data-part=said]").textContent = words;
  }

  // Listening

  #listen() {
    const form = this.#form;
    form.addEventListener("input", (event) => {
      if (!event.target.closest("[data-part=grid]")) {
        this.#read();
        this.#changed();
      }
    });
    form.addEventListener("click", (event) => this.#press(event));
    form.addEventListener("submit", () => {
      this.#isSent = true;
    });
    window.addEventListener("pageshow", () => {
      this.#isSent = false;
    });
    window.addEventListener("beforeunload", (event) => {
      if (!this.#isSent && form.isConnected && this.#isChanged) event.preventDefault();
    });
    this.#fold.addEventListener("click", () => {
      this.#showNight(this.#firstRow !== 0);
      this.#drawSpans();
      this.#drawPick();
    });
    this.#body.addEventListener("keydown", (event) => this.#key(event));
    this.#body.addEventListener("focusout", (event) => {
      if (this.#anchor && !this.#body.contains(event.relatedTarget)) this.#choose(null);
    });
    this.#body.addEventListener("pointerdown", (event) => this.#down(event));
    this.#body.addEventListener("pointermove", (event) => this.#move(event));
    this.#body.addEventListener("pointerup", (event) => this.#up(event));
    this.#body.addEventListener("pointercancel", () => this.#drop());
    this.#body.addEventListener("contextmenu", (event) => {
      if (this.#drag || this.#touch) event.preventDefault();
    });
    // Once a finger has been held, the page does not scroll under it.
    this.#body.addEventListener(
      "touchmove",
      (event) => {
        if (this.#drag) event.preventDefault();
      },
      { passive: false },
    );
  }

  #press(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { name, value } = button;
    if (button.dataset.part === "remove") this.#removeRow(button);
    else if (name === "add") this.#addRow(this.#fields[Number(value)]);
    else if (name === "do" && value === "copy") this.#copyMonday();
    else if (name === "do" && value === "clear") this.#clear();
    else return;
    event.preventDefault();
  }

  // By keyboard

  #cellAt({ day, row }) {
    return this.#cells[row][day];
  }

  #moveTo(place, isFocused = true) {
    this.#cellAt(this.#at).tabIndex = -1;
    this.#at = place;
    if (place.row < this.#firstRow) {
      this.#showNight(true);
      this.#drawSpans();
    }
    const cell = this.#cellAt(place);
    cell.tabIndex = 0;
    if (isFocused) cell.focus();
  }

  #choose(anchor) {
    this.#anchor = anchor;
    this.#drawPick();
  }

  #key(event) {
    if (event.altKey || event.metaKey) return;
    if (this.#drag && event.key === "Escape") {
      event.preventDefault();
      this.#drop();
      return;
    }
    const to = this.#next(event);
    if (to) {
      if (event.shiftKey) this.#anchor ??= this.#at;
      else this.#anchor = null;
      this.#moveTo(to);
      this.#drawPick();
      if (this.#anchor) this.#sayChosen();
    } else if (event.key === " " || event.key === "Enter") {
      this.#apply(this.#box, this.#isFreeAt(this.#anchor ?? this.#at));
      this.#drawPick();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.#apply(this.#box, true);
      this.#drawPick();
    } else if (event.key === "Escape" && this.#anchor) this.#choose(null);
    else return;
    event.preventDefault();
  }

  #next({ key, ctrlKey }) {
    const { day, row } = this.#at;
    const [first, last] = [this.#firstRow, ROWS - 1];
    const within = (number, most) => Math.max(0, Math.min(most, number));
    switch (key) {
      case "ArrowUp":
        return { day, row: within(row - 1, last) };
      case "ArrowDown":
        return { day, row: within(row + 1, last) };
      case "ArrowLeft":
        return { day: within(day - 1, 6), row };
      case "ArrowRight":
        return { day: within(day + 1, 6), row };
      case "PageUp":
        return { day, row: within(row - PAGE_ROWS, last) };
      case "PageDown":
        return { day, row: within(row + PAGE_ROWS, last) };
      case "Home":
        return { day: 0, row: ctrlKey ? first : row };
      case "End":
        return { day: 6, row: ctrlKey ? last : row };
      default:
        return null;
    }
  }

  #sayChosen() {
    const box = this.#box;
    this.#say(this.#words.say("range", { days: this.#daysOf(box), span: this.#spanOf(box) }));
  }

  // By pointer

  #placeAt({ clientX, clientY }) {
    const top = this.#rows[this.#firstRow].getBoundingClientRect();
    const left = this.#cells[this.#firstRow][0].getBoundingClientRect();
    const within = (number, least, most) => Math.max(least, Math.min(most, Math.floor(number)));
    return {
      day: within((clientX - left.left) / left.width, 0, 6),
      row: within(this.#firstRow + (clientY - top.top) / top.height, this.#firstRow, ROWS - 1),
    };
  }

  #down(event) {
    if (event.button !== 0 || !event.isPrimary || !event.target.closest("[role=gridcell]")) return;
    const place = this.#placeAt(event);
    if (event.pointerType === "touch") {
      const hold = setTimeout(() => {
        this.#begin(place, event);
        navigator.vibrate?.(8);
      }, HOLD_MS);
      this.#touch = { place, hold, x: event.clientX, y: event.clientY };
      return;
    }
    event.preventDefault();
    const isExtended = event.shiftKey && document.activeElement === this.#cellAt(this.#at);
    this.#begin(isExtended ? this.#at : place, event);
    if (isExtended) {
      this.#drag.isErased = !this.#isFreeAt(this.#at);
      this.#drag.to = place;
      this.#drawPick();
    }
  }

  #begin(place, { pointerId, clientX, clientY }) {
    this.#anchor = null;
    this.#moveTo(place, false);
    this.#cellAt(place).focus({ preventScroll: true, focusVisible: false });
    this.#drag = { from: place, to: place, isErased: this.#isFreeAt(place), clientX, clientY };
    this.#body.setPointerCapture(pointerId);
    this.#drawPick();
    this.#scroll();
  }

  #move(event) {
    if (this.#touch && !this.#drag) {
      const { x, y, hold } = this.#touch;
      if (Math.hypot(event.clientX - x, event.clientY - y) > STILL_PX) {
        clearTimeout(hold);
        this.#touch = null;
      }
    }
    if (!this.#drag) return;
    this.#drag.clientX = event.clientX;
    this.#drag.clientY = event.clientY;
    this.#follow();
  }

  #follow() {
    const to = this.#placeAt(this.#drag);
    const { to: was } = this.#drag;
    if (to.day === was.day && to.row === was.row) return;
    this.#drag.to = to;
    this.#drawPick();
  }

  /* While something is dragged at the window's edge the page moves on. */
  #scroll() {
    if (!this.#drag) return;
    const { clientY } = this.#drag;
    const way = clientY < 72 ? -1 : clientY > innerHeight - 72 ? 1 : 0;
    if (way) {
      window.scrollBy({ top: way * 9, behavior: "instant" });
      this.#follow();
    }
    requestAnimationFrame(() => this.#scroll());
  }

  #up(event) {
    const touch = this.#touch;
    clearTimeout(touch?.hold);
    this.#touch = null;
    if (this.#drag) {
      const box = this.#box;
      const { isErased, to } = this.#drag;
      this.#drop();
      this.#moveTo(to, false);
      this.#cellAt(to).focus({ preventScroll: true, focusVisible: false });
      this.#apply(box, isErased);
    } else if (touch) {
      event.preventDefault();
      this.#moveTo(touch.place, false);
      this.#apply(this.#box, this.#isFreeAt(touch.place));
    }
  }

  #drop() {
    clearTimeout(this.#touch?.hold);
    this.#touch = null;
    this.#drag = null;
    this.#drawPick();
  }
}
