/* Keeps the scorecard on the server as it is filled in, and says so. When to send is in grading_saving.js. */

import { post } from "./grading_post.js";
import { HEARTBEAT_MS, Saving } from "./grading_saving.js";

const PARTS_APART = /^mark-/; // a mark has its own button
const SETTLE_MS = 5000;

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
  }

  changed() {
    this.#saving.changed();
  }

  now() {
    this.#saving.now();
  }

  /* Playing is work: while it goes on, the lease is renewed every few minutes. */
  beat() {
    if (Date.now() - this.#renewedAt < HEARTBEAT_MS) return;
    this.#renewedAt = Date.now();
    this.#saving.now();
  }

  /* Lets what is on its way arrive, so that the form that leaves the page has the newest version. */
  async leave() {
    const patience = new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await Promise.race([this.#saving.settled(), patience]);
    this.#isLeaving = true;
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
      if (document.hidden && this.#saving.isUnsaved) this.now();
    });
    addEventListener("online", () => {
      if (this.#saving.isUnsaved) this.now();
    });
    addEventListener("pageshow", () => (this.#isLeaving = false));
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
    let said;
    try {
      said = JSON.parse(text);
    } catch {
      return { kind: "lost" };
    }
    this.#renewedAt = Date.now();
    if (status === 200) {
      this.#form.elements.version.value = said.version;
      return { kind: "kept", message: said.message };
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
