/* Stamps: none is lost, none is sent twice for good, and each keeps its instant. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { KeptList, RETRY_MS, Stamps } from "../../static/js/stamps.js";

class Storage {
  items = new Map();

  getItem(name) {
    return this.items.get(name) ?? null;
  }

  setItem(name, text) {
    this.items.set(name, text);
  }

  removeItem(name) {
    this.items.delete(name);
  }
}

function stampsTo(answers, { storage = new Storage(), at = 10_000 } = {}) {
  const told = { sent: [], taken: [], refused: [], counts: [], slept: [] };
  let now = at;
  const stamps = new Stamps({
    store: new KeptList("stamps", storage),
    send: async (stamp, ageMs) => {
      told.sent.push([stamp.id, ageMs]);
      const answer = answers.shift() ?? { kind: "taken", answer: "" };
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onTaken: (stamp, answer) => told.taken.push([stamp.id, answer]),
    onRefused: (stamp, message) => told.refused.push([stamp.id, message]),
    onChange: (count) => told.counts.push(count),
    now: () => now,
    sleep: async (ms) => {
      told.slept.push(ms);
      now += ms;
    },
  });
  return { stamps, told, storage };
}

const stamp = (id, at = 10_000) => ({ id, at, about: "dimension:discovery", note: "" });

test("a stamp is sent at once and then forgotten here", async () => {
  const { stamps, told, storage } = stampsTo([{ kind: "taken", answer: "<ol>" }]);

  await stamps.add(stamp("a", 9_800));

  assert.deepEqual(told.sent, [["a", 200]]);
  assert.deepEqual(told.taken, [["a", "<ol>"]]);
  assert.deepEqual(told.counts, [1, 0]);
  assert.equal(storage.items.size, 0);
});

test("a lost network delays stamps, keeps their order and their instants", async () => {
  const { stamps, told } = stampsTo([new TypeError("Failed to fetch"), { kind: "later" }]);

  const sending = stamps.add(stamp("a", 10_000));
  stamps.add(stamp("b", 10_000));
  await sending;

  assert.deepEqual(told.sent, [
    ["a", 0],
    ["a", RETRY_MS[0]],
    ["a", RETRY_MS[0] + RETRY_MS[1]],
    ["b", RETRY_MS[0] + RETRY_MS[1]],
  ]);
  assert.deepEqual(told.taken.map(([id]) => id), ["a", "b"]);
});

test("a stamp that is refused stands in nobody's way", async () => {
  const { stamps, told } = stampsTo([{ kind: "refused", message: "Closed." }]);

  const sending = stamps.add(stamp("a"));
  stamps.add(stamp("b"));
  await sending;

  assert.deepEqual(told.refused, [["a", "Closed."]]);
  assert.deepEqual(told.taken.map(([id]) => id), ["b"]);
});

test("a page loaded again sends what the last one could not", async () => {
  const storage = new Storage();
  const first = stampsTo([new Promise(() => {})], { storage });
  first.stamps.add(stamp("a", 10_000));

  const { stamps, told } = stampsTo([], { storage, at: 70_000 });
  assert.equal(stamps.count, 1);
  await stamps.run();

  assert.deepEqual(told.sent, [["a", 60_000]]);
});

test("where nothing can be stored, the page keeps them", async () => {
  const forbidden = { getItem: () => null, setItem: () => assert.fail("no"), removeItem: () => {} };
  const list = new KeptList("stamps", { ...forbidden, setItem: () => { throw new Error("Quota"); } });

  list.write([stamp("a")]);

  assert.equal(list.read().length, 1);
  assert.deepEqual(new KeptList("stamps", null).read(), []);
});
