/* Keeps the scorecard on the server as it is filled in: when it is sent, sent again, and said to be kept; and
 * the lease, while somebody is at work.
 */

export const QUIET_MS = 1500;
export const MOST_MS = 4000; // who types without a rest is saved all the same
export const RETRY_MS = [2000, 4000, 8000, 15000, 30000];
export const HEARTBEAT_MS = 60 * 1000;
const PARTS_APART = /^(mark|moment|pick|report)-/; // they have their own buttons
const SETTLE_MS = 5000;
const TOKEN = "csrfmiddlewaretoken";

/* Sends the scorecard as it changes, and says how it stands. */
export class Draft {
  #form;
  #state;
  #saving;
  #isLeaving = false;
  #renewedAt = Date.now();

  constructor(form, state) {
    this.#form = form;
    this.#state = state;
    this.#saving = new Saving({
      snapshot: () => this.#fields(),
      send: (fields) => this.#send(fields),
      show: (kind, message) => this.#show(kind, message),
    });
    this.#listen();
    if ([...form.elements].some(isTouched)) this.changed(); // before this was there to hear it
  }

  changed() {
    this.#saving.changed();
  }

  now() {
    this.#saving.now();
  }

  /* Playing and typing are work: while they go on, the lease is renewed, at most once a minute. */
  async beat() {
    if (Date.now() - this.#renewedAt < HEARTBEAT_MS) return;
    this.#renewedAt = Date.now();
    const answer = await post(this.#form, this.#form.dataset.aliveUrl, [], { Accept: "application/json" });
    if (answer === null || answer.status >= 500 || this.#saving.isUnsaved) return;
    const said = answer.isSignedOut ? null : read(answer.text);
    if (answer.isSignedOut) this.#show("signed_out");
    else if (said) this.#show(answer.status === 200 ? "kept" : "closed", said.message);
    if (said?.lapsed !== undefined) showLapsed(said.lapsed);
  }

  /* A conflict is settled: what is on the page is to stand over that version. */
  settle(version) {
    this.#form.elements.version.value = version;
    this.#saving.reopen();
  }

  /* Lets what is on its way arrive, so that the form that leaves the page has the newest version; it takes the rest
   * along, which is not sent beside it. */
  async leave() {
    const patience = new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await Promise.race([this.#saving.settled(), patience]);
    this.#isLeaving = true;
    this.#saving.hold();
  }

  #listen() {
    for (const type of ["input", "change"]) {
      this.#form.addEventListener(type, (event) => {
        if (!PARTS_APART.test(event.target.name)) this.changed();
      });
    }
    addEventListener("beforeunload", (event) => {
      if (this.#saving.isUnsaved && !this.#isLeaving) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      // A form that leaves takes all of it along, and may close the review.
      if (document.hidden && this.#saving.isUnsaved && !this.#isLeaving) this.now();
    });
    addEventListener("online", () => {
      if (this.#saving.isUnsaved) this.now();
    });
    addEventListener("pageshow", () => {
      this.#isLeaving = false;
      this.#saving.goOn();
    });
  }

  #fields() {
    return [...new FormData(this.#form)].filter(([name]) => !PARTS_APART.test(name));
  }

  async #send(fields) {
    const { draftUrl } = this.#form.dataset;
    const answer = await post(this.#form, draftUrl, fields, { Accept: "application/json" });
    if (answer === null || answer.status >= 500) return { kind: "lost" };
    if (answer.isSignedOut) return { kind: "signed_out" };
    return this.#taken(answer.status, answer.text);
  }

  #taken(status, text) {
    const said = read(text);
    if (!said) return { kind: "lost" };
    this.#renewedAt = Date.now();
    if (status === 200) {
      this.#form.elements.version.value = said.version;
      showLapsed(said.lapsed);
      return { kind: "kept", message: said.message };
    }
    if (said.version !== undefined) {
      this.#form.elements.version.value = said.version;
      return { kind: "over", message: said.message };
    }
    if (said.code === "draft_conflict") {
      this.#form.dispatchEvent(new CustomEvent("draft:conflict", { detail: said.html }));
      return { kind: "closed", message: this.#form.dataset.saidConflict };
    }
    return { kind: status === 422 ? "refused" : "closed", message: said.message };
  }

  #show(kind, message) {
    const said = {
      waiting: this.#form.dataset.saidWaiting,
      lost: this.#form.dataset.saidFailed,
      signed_out: this.#form.dataset.saidSignedOut,
    };
    this.#state.textContent = message ?? said[kind] ?? "";
    this.#state.dataset.kind = kind;
  }
}

/* Whether a field says other than the page that was sent: typed early, or put back by the browser. */
function isTouched(field) {
  if (PARTS_APART.test(field.name)) return false;
  if (field.type === "radio" || field.type === "checkbox") return field.checked !== field.defaultChecked;
  return field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue;
}

/* What an answer says in JSON, or null. */
export function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/* Says what becomes of the text once the lease has run out; nothing while it runs. */
function showLapsed(words) {
  const callout = document.getElementById("lapsed");
  if (!callout) return;
  callout.querySelector("[data-lapsed]").textContent = words;
  callout.hidden = !words;
}

/* When a draft is sent, and what its state is. No DOM: the page gives `snapshot`, `send` and `show`.
 *
 * One request at a time. A request whose answer never came may have been kept all the same, so the very
 * same body is sent until it is answered, and only then what was typed since: the server takes a draft
 * that says what it already holds, and so no window is in conflict with itself.
 */
export class Saving {
  #snapshot;
  #send;
  #show;
  #later;
  #cancel;
  #now;
  #since = null; // when the first thing was typed that is not sent yet
  #timer = null;
  #body = null; // on its way, or to be sent again
  #isSending = false;
  #isChanged = false;
  #isClosed = false;
  #isHeld = false;
  #fails = 0;
  #waiting = [];

  /* `send(body)` resolves to {kind: "kept"|"over"|"lost"|"signed_out"|"refused"|"closed", message}: "over" where
   * it is kept although nothing comes of it any more, "closed" where it is not. */
  constructor({ snapshot, send, show, later = setTimeout, cancel = clearTimeout, now = Date.now }) {
    this.#snapshot = snapshot;
    this.#send = send;
    this.#show = show;
    this.#later = (...args) => later(...args);
    this.#cancel = (timer) => cancel(timer);
    this.#now = () => now();
  }

  get isUnsaved() {
    return this.#isChanged || this.#body !== null;
  }

  /* Something was typed or chosen: send it once the hands rest. */
  changed() {
    if (this.#isClosed) return;
    this.#isChanged = true;
    this.#since ??= this.#now();
    if (this.#isSending || this.#fails) return;
    this.#show("waiting");
    this.#sendSoon();
  }

  /* Send what there is at once, changed or not; it also renews the lease. */
  now() {
    if (this.#isClosed) return;
    this.#isChanged = true;
    if (!this.#isSending) this.#sendIn(0);
  }

  /* What kept it from being sent is settled: send what there is. */
  reopen() {
    this.#isClosed = false;
    this.now();
  }

  /* Send nothing until it is told to go on. */
  hold() {
    this.#isHeld = true;
    this.#cancel(this.#timer);
  }

  goOn() {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.isUnsaved) this.now();
  }

  /* Resolves when nothing is on its way: true where all is kept. */
  settled() {
    if (!this.#isSending) return Promise.resolve(!this.isUnsaved);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /* Once the hands rest, but no later than so long after the first change. */
  #sendSoon() {
    const waited = this.#now() - (this.#since ?? this.#now());
    this.#sendIn(Math.max(0, Math.min(QUIET_MS, MOST_MS - waited)));
  }

  #sendIn(ms) {
    if (this.#isHeld) return;
    this.#cancel(this.#timer);
    this.#timer = this.#later(() => this.#sendOne(), ms);
  }

  async #sendOne() {
    if (this.#isSending || (this.#body === null && !this.#isChanged)) return;
    if (this.#body === null) {
      this.#body = this.#snapshot();
      this.#isChanged = false;
      this.#since = null;
    }
    this.#isSending = true;
    const answer = await this.#send(this.#body);
    this.#isSending = false;
    this.#take(answer);
    const isSaved = !this.isUnsaved;
    for (const resolve of this.#waiting.splice(0)) resolve(isSaved);
  }

  #take({ kind, message }) {
    this.#show(kind, message);
    if (kind === "lost" || kind === "signed_out") {
      this.#sendIn(RETRY_MS[Math.min(this.#fails, RETRY_MS.length - 1)]);
      this.#fails += 1;
      return;
    }
    this.#fails = 0;
    this.#body = null;
    if (kind === "closed") this.#isClosed = true;
    if (kind === "refused" || kind === "closed") this.#isChanged = true; // what is typed is not kept
    else if (this.#isChanged) this.#sendSoon();
  }
}

/* Posts a part of the scorecard with its token, fetched anew where signing in elsewhere has changed it.
 *
 * Resolves to the answer, or to null where no answer came. A sign-in page in its place has `isSignedOut`.
 */
export async function post(form, url, fields, headers) {
  const body = new URLSearchParams(fields);
  let answer = await sent(url, body, headers, form);
  if (answer?.status === 403 && (await renewToken(form))) {
    answer = await sent(url, body, headers, form);
  }
  return answer;
}

async function sent(url, body, headers, form) {
  body.set(TOKEN, form.elements[TOKEN].value);
  try {
    const answer = await fetch(url, { method: "POST", body, headers, keepalive: document.hidden });
    const text = await answer.text();
    return { status: answer.status, isSignedOut: answer.redirected, text };
  } catch {
    return null;
  }
}

async function renewToken(form) {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector(`#${form.id} input[name=${TOKEN}]`)?.value;
    if (token) form.elements[TOKEN].value = token;
    return Boolean(token) && !answer.redirected;
  } catch {
    return false;
  }
}
