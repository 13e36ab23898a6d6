/* When a draft is sent, and again, and what its state is. No DOM: the page gives `snapshot`, `send` and `show`.
 *
 * One request at a time. A request whose answer never came may have been kept all the same, so the very
 * same body is sent until it is answered, and only then what was typed since: the server takes a draft
 * that says what it already holds, and so no window is in conflict with itself.
 */

export const QUIET_MS = 1500;
export const RETRY_MS = [2000, 4000, 8000, 15000, 30000];
export const HEARTBEAT_MS = 5 * 60 * 1000;

export class Saving {
  #snapshot;
  #send;
  #show;
  #later;
  #cancel;
  #timer = null;
  #body = null; // on its way, or to be sent again
  #isSending = false;
  #isChanged = false;
  #isClosed = false;
  #fails = 0;
  #waiting = [];

  /* `send(body)` resolves to {kind: "kept"|"lost"|"signed_out"|"refused"|"closed", message}. */
  constructor({ snapshot, send, show, later = setTimeout, cancel = clearTimeout }) {
    this.#snapshot = snapshot;
    this.#send = send;
    this.#show = show;
    this.#later = (...args) => later(...args);
    this.#cancel = (timer) => cancel(timer);
  }

  get isUnsaved() {
    return this.#isChanged || this.#body !== null;
  }

  /* Something was typed or chosen: send it once the hands rest. */
  changed() {
    if (this.#isClosed) return;
    this.#isChanged = true;
    if (this.#isSending || this.#fails) return;
    this.#show("waiting");
    this.#sendIn(QUIET_MS);
  }

  /* Send what there is at once, changed or not; it also renews the lease. */
  now() {
    if (this.#isClosed) return;
    this.#isChanged = true;
    if (!this.#isSending) this.#sendIn(0);
  }

  /* Resolves when nothing is on its way: true where all is kept. */
  settled() {
    if (!this.#isSending) return Promise.resolve(!this.isUnsaved);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #sendIn(ms) {
    this.#cancel(this.#timer);
    this.#timer = this.#later(() => this.#sendOne(), ms);
  }

  async #sendOne() {
    if (this.#isSending || (this.#body === null && !this.#isChanged)) return;
    if (this.#body === null) {
      this.#body = this.#snapshot();
      this.#isChanged = false;
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
    else if (this.#isChanged) this.#sendIn(QUIET_MS);
  }
}
