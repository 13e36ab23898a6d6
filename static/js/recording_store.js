/* Keeps what is recorded in this browser's database until the server has made it ready. No DOM.
 *
 * A shelf holds one row a recording and its slices by [key of the part, offset]. A slice store is one
 * part's bytes: on the shelf first of all, in memory where the shelf has no room or does not answer.
 */

const DATABASE = "plumbline";
const HINT = "plumbline.unfinished"; // how many rows there may be, so that other pages need not look
const LOCKS = "plumbline.recording.";
const ROWS = "recordings";
const SLICES = "slices";
const PATIENCE_MS = 10_000; // a database that takes longer is held to be stuck

export class Shelf {
  #database = null;
  #patienceMs;
  #stuck = 0;

  /* Opens the database. Where there is none the shelf takes nothing: whoever uses it keeps the bytes. */
  static async open(factory = globalThis.indexedDB, patienceMs = PATIENCE_MS) {
    const shelf = new Shelf(patienceMs);
    try {
      const opening = factory.open(DATABASE, 1);
      opening.addEventListener("upgradeneeded", () => {
        opening.result.createObjectStore(ROWS, { keyPath: "recording" });
        opening.result.createObjectStore(SLICES);
      });
      shelf.#database = await within(patienceMs, answerOf(opening));
      shelf.#database.addEventListener("versionchange", () => shelf.close());
      shelf.#database.addEventListener("close", () => (shelf.#database = null));
    } catch {
      // forbidden or broken: a private window, a full disk
    }
    return shelf;
  }

  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
  }

  get isThere() {
    return this.#database !== null;
  }

  /* Whether something that was written has not ended for a long time: until it does, nothing more
   * is written, and nobody waits. */
  get isStuck() {
    return this.#stuck > 0;
  }

  close() {
    this.#database?.close();
    this.#database = null;
  }

  /* Writes a slice and the row beside it, both or neither. Rejects where there is no room. */
  async keep(key, offset, blob, row) {
    await this.#write((slices, rows) => {
      slices.put(blob, [key, offset]);
      rows.put(row);
    });
  }

  /* Writes the row alone. Returns whether there was room. */
  async note(row) {
    try {
      await this.#write((_slices, rows) => rows.put(row));
      await this.#hint();
      return true;
    } catch {
      return false;
    }
  }

  async rows() {
    if (!this.isThere) return [];
    const [rows] = await this.#read((_slices, store) => [store.getAll()]);
    return rows;
  }

  /* A recording's row as it stands by now; null where it was forgotten. */
  async row({ recording }) {
    return (await this.rows()).find((row) => row.recording === recording) ?? null;
  }

  /* The slices that begin between two offsets, both included, by their offset. */
  async slices(key, from = 0, to = Infinity) {
    if (!this.isThere) return new Map();
    const range = rangeOf(key, from, to);
    const [keys, blobs] = await this.#read((slices) => [slices.getAllKeys(range), slices.getAll(range)]);
    return new Map(keys.map(([, offset], index) => [offset, blobs[index]]));
  }

  /* Drops the slices that begin between two offsets, both included. */
  async drop(key, from, to) {
    if (!this.isThere) return;
    await this.#write((slices) => slices.delete(rangeOf(key, from, to)));
  }

  /* Drops a recording with all of its slices. */
  async forget(row) {
    if (!this.isThere) return;
    await this.#write((slices, rows) => {
      for (const { key } of row.tracks) slices.delete(rangeOf(key, 0, Infinity));
      rows.delete(row.recording);
    });
    await this.#hint();
  }

  /* Writes both stores or neither. Rejects where that fails, or where it does not end in time. */
  async #write(what) {
    if (this.isStuck) throw new Error("The database is stuck.");
    const writing = this.#begin("readwrite");
    what(writing.objectStore(SLICES), writing.objectStore(ROWS));
    const end = endOf(writing);
    const settled = () => (this.#stuck -= 1);
    await within(this.#patienceMs, end, () => {
      this.#stuck += 1;
      end.then(settled, settled);
    });
  }

  #read(what) {
    const reading = this.#begin("readonly");
    const requests = what(reading.objectStore(SLICES), reading.objectStore(ROWS));
    return within(this.#patienceMs, Promise.all(requests.map(answerOf)));
  }

  #begin(mode) {
    if (!this.isThere) throw new Error("There is no database.");
    return this.#database.transaction([ROWS, SLICES], mode, { durability: "strict" });
  }

  async #hint() {
    const [count] = await this.#read((_slices, rows) => [rows.count()]);
    try {
      if (count) localStorage.setItem(HINT, String(count));
      else localStorage.removeItem(HINT);
    } catch {
      // other pages will not look by themselves
    }
  }
}

function rangeOf(key, from, to) {
  return IDBKeyRange.bound([key, from], [key, to]);
}

function answerOf(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}

function endOf(transaction) {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", resolve);
    transaction.addEventListener("abort", () => reject(transaction.error ?? new Error("aborted")));
  });
}

/* What a promise comes to, or an error where that takes too long; `onLate` hears of it. */
function within(ms, promise, onLate = () => {}) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      onLate();
      reject(new Error("The database does not answer."));
    }, ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/* Takes an answer's recording for this page alone, until the returned function is called or the page
 * is gone. Null where another page has it. */
export function holdAnswer(attempt) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    navigator.locks.request(LOCKS + attempt, { ifAvailable: true }, (lock) => {
      if (lock) return new Promise((release) => resolve(release));
      return resolve(null);
    });
  });
}

/* The answers that some page is recording or sending. */
export async function heldAnswers() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  const names = held.map(({ name }) => name).filter((name) => name.startsWith(LOCKS));
  return new Set(names.map((name) => name.slice(LOCKS.length)));
}

/* One part's bytes, as a Sender reads them.
 *
 * `row` is what is written beside each slice; `makeRoom` is asked to drop what the server has, of
 * this part and its neighbours, when the shelf is full.
 */
export class SliceStore {
  #shelf;
  #track;
  #row;
  #makeRoom;
  #index = [];
  #end = 0;
  #safe = 0;

  /* `track` is the part's entry in the row; its total_bytes is kept here. */
  constructor({ shelf, track, row, makeRoom = () => this.prune() }) {
    this.#shelf = shelf;
    this.#track = track;
    this.#row = row;
    this.#makeRoom = makeRoom;
  }

  /* Finds again what an earlier page kept of a part, of which the server has so many bytes. */
  static async reopen(given, receivedBytes = 0) {
    const store = new SliceStore(given);
    for (const [start, { size }] of await given.shelf.slices(given.track.key)) {
      store.#index.push({ start, end: start + size, blob: null });
    }
    store.#safe = receivedBytes;
    store.#end = store.#reachFrom(receivedBytes);
    return store;
  }

  /* Where the bytes end that can be sent. */
  get end() {
    return this.#end;
  }

  /* Whether bytes that the server has not yet would be lost with this page. */
  get isAtRisk() {
    return this.#index.some(({ blob, end }) => blob && end > this.#safe);
  }

  /* Adds a slice and returns the number of bytes kept so far. */
  async append(blob) {
    const start = this.#end;
    const end = start + blob.size;
    this.#track.total_bytes = end;
    const isOnShelf = (await this.#put(start, blob)) || (await this.#putAgain(start, blob));
    this.#index.push({ start, end, blob: isOnShelf ? null : blob });
    this.#end = end;
    return end;
  }

  /* Returns at most `most` bytes from the offset on; none where they are here no more. */
  async read(offset, most) {
    const first = this.#indexOf(offset);
    const wanted = [];
    for (let at = first; at < this.#index.length && this.#index[at].start < offset + most; at += 1) {
      wanted.push(this.#index[at]);
    }
    const blobs = await this.#blobsOf(wanted);
    const parts = [];
    let reached = offset;
    for (const [at, { start, end }] of wanted.entries()) {
      if (start > reached || !blobs[at]) break;
      parts.push(blobs[at].slice(reached - start, Math.min(end, offset + most) - start));
      reached = Math.min(end, offset + most);
    }
    return new Blob(parts);
  }

  /* All that is still here, as a file. What was dropped when space was short is missing in it. */
  async whole(type) {
    const blobs = await this.#blobsOf(this.#index);
    return new Blob(blobs.filter(Boolean), { type });
  }

  /* The server has everything before this offset. */
  acknowledge(offset) {
    this.#safe = offset;
    if (this.#index.some(({ blob }) => blob)) this.#makeRoom();
  }

  /* Drops what the server has; the first slice stays, since no player reads the rest without it. */
  async prune() {
    const last = this.#index.findLastIndex(({ end }) => end <= this.#safe);
    if (last < 1) return;
    const { start } = this.#index[last];
    this.#index.splice(1, last);
    await this.#shelf.drop(this.#track.key, 1, start).catch(() => {});
  }

  async #put(offset, blob) {
    try {
      await this.#shelf.keep(this.#track.key, offset, blob, this.#row);
      return true;
    } catch {
      return false;
    }
  }

  async #putAgain(offset, blob) {
    if (!this.#shelf.isThere || this.#shelf.isStuck) return false;
    await this.#makeRoom();
    return this.#put(offset, blob);
  }

  async #blobsOf(slices) {
    const onShelf = slices.filter(({ blob }) => !blob);
    const found = onShelf.length
      ? await this.#shelf.slices(this.#track.key, onShelf[0].start, onShelf.at(-1).start)
      : new Map();
    return slices.map(({ start, blob }) => blob ?? found.get(start));
  }

  /* Where the unbroken run of slices ends that holds this offset; the offset itself in a gap. */
  #reachFrom(offset) {
    let reached = offset;
    for (const { start, end } of this.#index) {
      if (start <= reached && end > reached) reached = end;
    }
    return reached;
  }

  #indexOf(offset) {
    let low = 0;
    let high = this.#index.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#index[middle].start <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
