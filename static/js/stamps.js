/* Stamps on their way to the server. No DOM and no network: both are handed in.
 *
 * A stamp has its instant from the press. Until the server has it, it is kept in a store that outlives the
 * page, and when it is sent at last it says how old it is; the server's clock gives the instant.
 */

export const RETRY_MS = [1000, 2000, 5000, 10_000];

/* Sends stamps one after the other, in order, as often as it takes.
 *
 * `store` has read() and write(list). `send(stamp, ageMs)` resolves to
 *   { kind: "taken", answer } or { kind: "refused", message }   either way it is done with
 *   { kind: "later" }                                           no answer, or none that counts
 * `onTaken(stamp, answer)`, `onRefused(stamp, message)` and `onChange(count)` tell the page.
 */
export class Stamps {
  #store;
  #send;
  #tell;
  #now;
  #sleep;
  #isSending = false;
  #wake = () => {};

  constructor({ store, send, onTaken = () => {}, onRefused = () => {}, onChange = () => {}, ...given }) {
    this.#store = store;
    this.#send = send;
    this.#tell = { onTaken, onRefused, onChange };
    this.#now = given.now ?? (() => Date.now());
    this.#sleep = given.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  }

  get count() {
    return this.#store.read().length;
  }

  /* Keeps a stamp { id, about, note } pressed at `at`, by the clock of the browser, and sends it. */
  add(stamp) {
    this.#store.write([...this.#store.read(), stamp]);
    this.#tell.onChange(this.count);
    return this.run();
  }

  /* Sends what waits, unless that is going on already. */
  async run() {
    if (this.#isSending) return;
    this.#isSending = true;
    for (let fails = 0; this.count > 0; ) {
      const [stamp] = this.#store.read();
      const ageMs = Math.max(0, Math.round(this.#now() - stamp.at));
      const answer = await this.#send(stamp, ageMs).catch(() => ({ kind: "later" }));
      if (answer.kind === "later") {
        await this.#pause(RETRY_MS[Math.min(fails, RETRY_MS.length - 1)]);
        fails += 1;
        continue;
      }
      fails = 0;
      this.#store.write(this.#store.read().filter(({ id }) => id !== stamp.id));
      if (answer.kind === "taken") this.#tell.onTaken(stamp, answer.answer);
      else this.#tell.onRefused(stamp, answer.message);
      this.#tell.onChange(this.count);
    }
    this.#isSending = false;
  }

  /* Ends a wait early: the network is back. */
  nudge() {
    this.#wake();
  }

  async #pause(ms) {
    await Promise.race([this.#sleep(ms), new Promise((resolve) => (this.#wake = resolve))]);
  }
}

/* Keeps a list in the browser under a name, shared with its other windows; where storage is forbidden, as
 * long as the page lives. */
export class KeptList {
  #name;
  #storage;
  #own = null; // what the page keeps by itself, once storing has failed

  constructor(name, storage) {
    this.#name = name;
    this.#storage = storage;
  }

  read() {
    if (this.#own) return this.#own;
    try {
      return JSON.parse(this.#storage.getItem(this.#name)) ?? [];
    } catch {
      return [];
    }
  }

  write(list) {
    try {
      if (list.length) this.#storage.setItem(this.#name, JSON.stringify(list));
      else this.#storage.removeItem(this.#name);
    } catch {
      this.#own = list;
    }
  }
}
