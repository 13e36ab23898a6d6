/* What was recorded waits here until the server has it. No DOM and no network: both are handed in.
 *
 * A store keeps the bytes in order; another one may keep them in the browser's database. A sender
 * takes them from the store and gives them to `send(offset, blob)`, one piece after the other,
 * until the server has acknowledged all of them.
 */

export const PIECE_BYTES = { least: 64 * 1024, first: 256 * 1024, most: 4 * 1024 * 1024 };
export const WAIT_MS = { least: 500, most: 15_000, signedOut: 5_000 };
const QUICK_MS = 1_000;
const SLOW_MS = 4_000;

/* Keeps slices as long as the page lives. Nothing is dropped before: the server may ask again, and
 * the person may want a copy. */
export class MemoryStore {
  #slices = [];
  #end = 0;

  /* Adds a slice and returns the number of bytes kept so far. */
  async append(blob) {
    this.#slices.push({ start: this.#end, blob });
    this.#end += blob.size;
    return this.#end;
  }

  /* Returns at most `most` bytes from the offset on. */
  async read(offset, most) {
    const parts = [];
    let left = most;
    for (const { start, blob } of this.#slices.slice(this.#indexOf(offset))) {
      const part = blob.slice(Math.max(0, offset - start), Math.max(0, offset - start) + left);
      parts.push(part);
      left -= part.size;
      if (left <= 0) break;
    }
    return new Blob(parts);
  }

  async whole(type) {
    return new Blob(
      this.#slices.map(({ blob }) => blob),
      { type },
    );
  }

  #indexOf(offset) {
    let low = 0;
    let high = this.#slices.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#slices[middle].start <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

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
  console.error(error);
  return { kind: "later", code: "unreachable" };
}

/* Sends what the store holds, in order and once.
 *
 * `send(offset, blob)` answers with one of
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
  #onChange;
  #sleep;
  #random;
  #now;
  #least;
  #most;
  #piece;
  #marks = [];
  #safeMs = 0;
  #failures = 0;
  #appending = Promise.resolve();
  #isRunning = false;
  #wake = () => {};
  #waiters = [];

  constructor({ store, send, onChange = () => {}, ...given }) {
    this.#store = store;
    this.#send = send;
    this.#onChange = onChange;
    this.#sleep = given.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    this.#random = given.random ?? Math.random;
    this.#now = given.now ?? (() => performance.now());
    this.#most = Math.min(given.mostBytes ?? PIECE_BYTES.most, PIECE_BYTES.most);
    this.#least = Math.min(PIECE_BYTES.least, this.#most);
    this.#piece = Math.min(PIECE_BYTES.first, this.#most);
    this.sentBytes = given.sentBytes ?? 0;
    this.totalBytes = given.totalBytes ?? 0;
    this.totalMs = 0;
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
    this.run();
    await done;
  }

  /* Goes on from where the server is. */
  resume(offset) {
    if (!Number.isInteger(offset) || offset < 0 || offset > this.totalBytes) {
      this.stop(new Refusal("lost"));
      return;
    }
    this.#acknowledge(offset);
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
    const offset = this.sentBytes;
    const blob = await this.#store.read(offset, this.#piece);
    if (this.state === "idle") this.#become("sending");
    const started = this.#now();
    const answer = await this.#send(offset, blob).catch(unreachable);
    if (this.state === "stopped") return;
    const { kind } = answer;
    if (kind === "taken" && answer.offset > offset && answer.offset <= this.totalBytes) {
      this.#adapt(this.#now() - started, blob.size);
      this.#acknowledge(answer.offset);
    } else if ((kind === "taken" || kind === "elsewhere") && answer.offset !== offset) {
      this.#failures = 0;
      if (answer.offset >= 0 && answer.offset <= this.totalBytes) this.#acknowledge(answer.offset);
      else this.stop(new Refusal("lost"));
    } else if (kind === "refused") {
      this.stop(new Refusal(answer.code, answer.message));
    } else {
      await this.#wait(answer);
    }
  }

  #acknowledge(offset) {
    this.sentBytes = offset;
    this.#failures = 0;
    this.trouble = "";
    const ended = this.#marks.findLastIndex(({ end }) => end <= offset);
    this.#safeMs = ended < 0 ? 0 : this.#marks[ended].ms;
    this.#become("sending");
  }

  async #wait(answer) {
    this.#piece = Math.max(this.#least, this.#piece / 2);
    const backoff = Math.min(WAIT_MS.most, WAIT_MS.least * 2 ** this.#failures);
    this.#failures += 1;
    this.trouble = answer.code ?? "";
    this.#become(answer.kind === "signed_out" ? "signed_out" : "waiting");
    const least = answer.kind === "signed_out" ? WAIT_MS.signedOut : (answer.afterMs ?? 0);
    const ms = Math.max(least, backoff * (0.5 + this.#random() / 2));
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
