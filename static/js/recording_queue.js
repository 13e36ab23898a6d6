/* What was recorded waits here until the server has it. No DOM and no network: both are handed in.
 *
 * A store keeps the bytes in order: SliceStore those of a recording, FileStore a chosen file. A sender
 * takes them from the store and gives them to `send(offset, blob)`, one piece after the other,
 * until the server has acknowledged all of them.
 */

export const PIECE_BYTES = { least: 64 * 1024, first: 256 * 1024, most: 4 * 1024 * 1024 };
export const WAIT_MS = { least: 500, most: 15_000, signedOut: 5_000 };
const QUICK_MS = 1_000;
const SLOW_MS = 4_000;
const REST_MS = 5_000; // at most, between pieces where one takes longer than QUICK_MS

/* A chosen file is a store that is full from the start. */
export class FileStore {
  constructor(file) {
    this.file = file;
  }

  async read(offset, most) {
    return this.file.slice(offset, offset + most);
  }
}

/* Why sending ended: the server said no for good. */
export class Refusal extends Error {
  constructor(code, message = "") {
    super(message || code);
    this.name = "Refusal";
    this.code = code;
  }
}

function unreachable(error) {
  if (error.name === "NotReadableError") return { kind: "refused", code: "unreadable" };
  console.error(error);
  return { kind: "later", code: "unreachable" };
}

/* Sends what the store holds, in order and once.
 *
 * `where()`, if given, asks the server for its offset after each failure. It and `send(offset, blob)`
 * answer with one of
 *   { kind: "taken", offset }          the server has everything before this offset
 *   { kind: "elsewhere", offset }      the server wants to go on from this offset
 *   { kind: "later", afterMs, code }   not now: a lost network, a full disk, a busy server
 *   { kind: "signed_out" }             as above, until the person has signed in again
 *   { kind: "refused", code, message } never
 *
 * `state` is idle, sending, waiting (the last try failed), signed_out or stopped.
 */
export class Sender {
  #store;
  #send;
  #where;
  #isUnsure = false;
  #onChange;
  #sleep;
  #random;
  #now;
  #least;
  #most;
  #piece;
  #marks;
  #startMs;
  #safeMs;
  #failures = 0;
  #appending = Promise.resolve();
  #isRunning = false;
  #wake = () => {};
  #waiters = [];

  constructor({ store, send, where = null, onChange = () => {}, ...given }) {
    this.#store = store;
    this.#send = send;
    this.#where = where;
    this.#onChange = onChange;
    this.#sleep = given.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    this.#random = given.random ?? Math.random;
    this.#now = given.now ?? (() => performance.now());
    this.#most = Math.min(given.mostBytes ?? PIECE_BYTES.most, PIECE_BYTES.most);
    this.#least = Math.min(PIECE_BYTES.least, this.#most);
    this.#piece = Math.min(PIECE_BYTES.first, this.#most);
    this.sentBytes = given.sentBytes ?? 0;
    this.totalBytes = given.totalBytes ?? 0;
    this.#startMs = this.#safeMs = given.startMs ?? 0;
    this.totalMs = given.endMs ?? this.#startMs;
    this.#marks = [{ end: this.totalBytes, ms: this.totalMs }];
    this.state = "idle";
    this.refusal = null;
    this.trouble = "";
  }

  /* The media time up to which the server has everything. */
  get safeMs() {
    return this.#safeMs;
  }

  get pendingMs() {
    return this.totalMs - this.#safeMs;
  }

  get pendingBytes() {
    return this.totalBytes - this.sentBytes;
  }

  /* Keeps a slice that ends at this media time, and sends it. Some browsers make empty slices. */
  push(blob, endMs) {
    if (blob.size === 0) return this.#appending;
    this.#appending = this.#appending.then(async () => {
      this.totalBytes = await this.#store.append(blob);
      this.totalMs = Math.max(this.totalMs, endMs);
      this.#marks.push({ end: this.totalBytes, ms: this.totalMs });
      this.#onChange(this);
      this.run();
    });
    return this.#appending;
  }

  /* Sends whatever is pending, unless that is going on already. */
  async run() {
    if (this.#isRunning || this.state === "stopped") return;
    this.#isRunning = true;
    try {
      while (this.pendingBytes > 0 && this.state !== "stopped") await this.#sendPiece();
    } finally {
      this.#isRunning = false;
    }
    if (this.state !== "stopped") this.#become("idle");
    this.#settle();
  }

  /* Resolves when the server has all that was pushed; rejects with a Refusal. */
  async flush() {
    await this.#appending;
    if (this.refusal) throw this.refusal;
    if (this.pendingBytes === 0) return;
    const done = new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.nudge();
    this.run();
    await done;
  }

  /* Goes on from where the server is. */
  resume(offset) {
    if (!Number.isInteger(offset)) this.stop(new Refusal("lost"));
    else this.#goTo(offset);
    this.run();
  }

  /* Tries again after a refusal: there may be room by now. */
  tryAgain() {
    if (this.state !== "stopped") return;
    this.refusal = null;
    this.#isUnsure = this.#where !== null;
    this.#become("idle");
    this.run();
  }

  /* Ends a wait early: the network is back, or the person has signed in. */
  nudge() {
    this.#wake();
  }

  stop(refusal = new Refusal("stopped")) {
    this.refusal = refusal;
    this.#become("stopped");
    this.#wake();
    this.#settle();
  }

  async #sendPiece() {
    if (this.#isUnsure) {
      await this.#ask();
      return;
    }
    const offset = this.sentBytes;
    const blob = await this.#read(offset);
    if (!blob) return;
    if (this.state === "idle") this.#become("sending");
    const started = this.#now();
    const answer = await this.#send(offset, blob).catch(unreachable);
    if (this.state === "stopped") return;
    const { kind } = answer;
    if (kind === "taken" && answer.offset > offset && answer.offset <= this.totalBytes) {
      const tookMs = this.#now() - started;
      this.#adapt(tookMs, blob.size);
      this.#failures = 0;
      this.trouble = "";
      this.#acknowledge(answer.offset);
      if (tookMs > QUICK_MS && !this.#waiters.length) await this.#rest(Math.min(tookMs, REST_MS));
    } else if ((kind === "taken" || kind === "elsewhere") && answer.offset !== offset) {
      this.#failures = 0;
      this.#goTo(answer.offset);
    } else if (kind === "refused") {
      this.stop(new Refusal(answer.code, answer.message));
    } else {
      await this.#wait(answer);
    }
  }

  async #read(offset) {
    try {
      const blob = await this.#store.read(offset, this.#piece);
      if (blob.size) return blob;
      this.stop(new Refusal("lost"));
    } catch (error) {
      await this.#wait(unreachable(error)); // a database that is busy closing
    }
    return null;
  }

  /* What arrived of a try that failed is known by the server alone. */
  async #ask() {
    const answer = await this.#where().catch(unreachable);
    if (this.state === "stopped") return;
    if (answer.kind === "elsewhere") {
      this.#isUnsure = false;
      this.#goTo(answer.offset);
    } else if (answer.kind === "refused") {
      this.stop(new Refusal(answer.code, answer.message));
    } else {
      await this.#wait(answer);
    }
  }

  #goTo(offset) {
    if (offset >= 0 && offset <= this.totalBytes) this.#acknowledge(offset);
    else this.stop(new Refusal("lost"));
  }

  #acknowledge(offset) {
    this.sentBytes = offset;
    this.#store.acknowledge?.(offset);
    const ended = this.#marks.findLastIndex(({ end }) => end <= offset);
    this.#safeMs = ended < 0 ? this.#startMs : this.#marks[ended].ms;
    this.#become("sending");
  }

  async #wait(answer) {
    this.#piece = Math.max(this.#least, this.#piece / 2);
    this.#isUnsure = this.#where !== null;
    const backoff = Math.min(WAIT_MS.most, WAIT_MS.least * 2 ** this.#failures);
    this.#failures += 1;
    this.trouble = answer.code ?? "";
    this.#become(answer.kind === "signed_out" ? "signed_out" : "waiting");
    const least = answer.kind === "signed_out" ? WAIT_MS.signedOut : (answer.afterMs ?? 0);
    await this.#rest(Math.max(least, backoff * (0.5 + this.#random() / 2)));
  }

  async #rest(ms) {
    await Promise.race([this.#sleep(ms), new Promise((resolve) => (this.#wake = resolve))]);
  }

  #adapt(tookMs, size) {
    if (tookMs > SLOW_MS) this.#piece = Math.max(this.#least, this.#piece / 2);
    else if (tookMs < QUICK_MS && size >= this.#piece) this.#piece = Math.min(this.#most, this.#piece * 2);
  }

  #become(state) {
    this.state = state;
    this.#onChange(this);
  }

  #settle() {
    if (!this.refusal && this.pendingBytes > 0) return;
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (this.refusal) reject(this.refusal);
      else resolve();
    }
  }
}
