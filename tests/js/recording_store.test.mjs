/* Slices on a shelf that may be full, lose its place or not be there at all. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Shelf, SliceStore } from "../../static/js/recording_store.js";

/* A shelf in memory with room for so many bytes. */
class SmallShelf {
  isThere = true;
  kept = new Map();
  rows = [];

  constructor(room = Infinity) {
    this.room = room;
  }

  async keep(key, offset, blob, row) {
    const taken = [...this.kept.values()].reduce((sum, { size }) => sum + size, 0);
    if (taken + blob.size > this.room) throw new DOMException("", "QuotaExceededError");
    this.kept.set(offset, blob);
    this.rows.push(structuredClone(row));
  }

  async slices(_key, from = 0, to = Infinity) {
    return new Map([...this.kept].filter(([offset]) => from <= offset && offset <= to));
  }

  async drop(_key, from, to) {
    for (const offset of this.kept.keys()) if (from <= offset && offset <= to) this.kept.delete(offset);
  }
}

function storeOn(shelf) {
  const track = { key: "a", total_bytes: 0 };
  return { track, store: new SliceStore({ shelf, track, row: { tracks: [track] } }) };
}

const read = async (store, offset, most) => (await store.read(offset, most)).text();

for (const [name, shelf] of [
  ["on a shelf", () => new SmallShelf()],
  ["without a database", () => new Shelf()],
  ["on a shelf that is full half-way", () => new SmallShelf(4)],
]) {
  test(`a store gives back any part of what was appended, ${name}`, async () => {
    const { store } = storeOn(shelf());
    for (const part of ["abc", "d", "efgh"]) await store.append(new Blob([part]));

    assert.equal(await read(store, 0, 100), "abcdefgh");
    assert.equal(await read(store, 2, 3), "cde");
    assert.equal(await read(store, 3, 1), "d");
    assert.equal(await read(store, 7, 9), "h");
    assert.equal(await read(store, 8, 9), "");
    assert.equal((await store.whole("video/webm")).type, "video/webm");
    assert.equal(await (await store.whole("video/webm")).text(), "abcdefgh");
  });
}

test("an empty store reads as nothing", async () => {
  assert.equal(await read(storeOn(new Shelf()).store, 0, 10), "");
});

test("the row is written with each slice and knows its bytes", async () => {
  const shelf = new SmallShelf();
  const { store } = storeOn(shelf);

  await store.append(new Blob(["abc"]));
  await store.append(new Blob(["de"]));

  assert.deepEqual(shelf.rows.map(({ tracks }) => tracks[0].total_bytes), [3, 5]);
});

test("a full shelf drops what the server has, but for the first slice", async () => {
  const shelf = new SmallShelf(9);
  const { store } = storeOn(shelf);
  for (const part of ["abc", "def", "ghi"]) await store.append(new Blob([part]));
  store.acknowledge(9);

  await store.append(new Blob(["jkl"]));

  assert.deepEqual([...shelf.kept.keys()], [0, 9]);
  assert.equal(store.isAtRisk, false);
  assert.equal(await read(store, 9, 9), "jkl");
  assert.equal(await (await store.whole("")).text(), "abcjkl");
});

test("what no shelf takes stays in memory until the server has it", async () => {
  const shelf = new SmallShelf(3);
  const { store } = storeOn(shelf);
  for (const part of ["abc", "def", "ghi"]) await store.append(new Blob([part]));

  assert.equal(store.isAtRisk, true);
  assert.equal(await read(store, 0, 99), "abcdefghi");
  store.acknowledge(6);
  assert.equal(store.isAtRisk, true);
  assert.equal(await read(store, 6, 99), "ghi");
  store.acknowledge(9);
  assert.equal(store.isAtRisk, false);
  assert.equal(await (await store.whole("")).text(), "abc");
});

test("an earlier page's slices are found again", async () => {
  const shelf = new SmallShelf();
  const { store, track } = storeOn(shelf);
  for (const part of ["abc", "def", "ghi"]) await store.append(new Blob([part]));

  const again = await SliceStore.reopen({ shelf, track, row: {} }, 2);

  assert.equal(again.end, 9);
  assert.equal(await read(again, 2, 5), "cdefg");
});

for (const [name, received, end] of [
  ["before what was dropped", 3, 3],
  ["within what was dropped", 7, 7],
  ["after it", 9, 15],
]) {
  test(`of a broken run of slices only that can be sent which the server can take: ${name}`, async () => {
    const shelf = new SmallShelf();
    const { store, track } = storeOn(shelf);
    for (const part of ["abc", "def", "ghi", "jkl", "mno"]) await store.append(new Blob([part]));
    await shelf.drop("a", 3, 6);

    const again = await SliceStore.reopen({ shelf, track, row: {} }, received);

    assert.equal(again.end, end);
  });
}

test("a slice that is gone is not skipped", async () => {
  const shelf = new SmallShelf();
  const { store } = storeOn(shelf);
  for (const part of ["abc", "def"]) await store.append(new Blob([part]));
  shelf.kept.clear();

  assert.equal(await read(store, 0, 9), "");
});

/* A database whose first writes end only once they are let. */
class SlowDatabase extends EventTarget {
  held = [];
  isHolding = true;
  result = this;

  open() {
    queueMicrotask(() => this.dispatchEvent(new Event("success")));
    return this;
  }

  transaction() {
    const writing = new EventTarget();
    const end = () => writing.dispatchEvent(new Event("complete"));
    writing.objectStore = () => ({ put: () => {} });
    if (this.isHolding) this.held.push(end);
    else setTimeout(end);
    return writing;
  }
}

test("a database that does not answer holds nothing up: the bytes wait in memory meanwhile", async () => {
  const database = new SlowDatabase();
  const { store } = storeOn(await Shelf.open(database, 20));

  for (const part of ["abc", "def"]) await store.append(new Blob([part]));

  assert.equal(database.held.length, 1); // the second did not wait as long again
  assert.equal(store.isAtRisk, true);
  assert.equal(await read(store, 0, 99), "abcdef");

  database.isHolding = false;
  for (const end of database.held) end();
  await new Promise((resolve) => setTimeout(resolve));
  await store.append(new Blob(["ghi"]));
  assert.equal(await read(store, 0, 6), "abcdef");
  store.acknowledge(6);
  assert.equal(store.isAtRisk, false); // the third is on the shelf
});

test("a database that does not open is none", async () => {
  const shelf = await Shelf.open({ open: () => new EventTarget() }, 20);

  assert.equal(shelf.isThere, false);
});
