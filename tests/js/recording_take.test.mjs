/* What a take tells the server at its end, and what it may forget then. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Refusal } from "../../static/js/recording_queue.js";
import { Take, missingOf } from "../../static/js/recording_take.js";

const held = new Set();
Object.defineProperty(globalThis, "navigator", {
  value: {
    locks: {
      async request(name, _options, use) {
        if (held.has(name)) return use(null);
        held.add(name);
        await use({ name });
        return held.delete(name);
      },
    },
  },
});

/* A shelf with one recording of one part, whose slices are these. */
function shelfWith(slices, track = {}) {
  const total_bytes = Math.max(...[...slices].map(([offset, text]) => offset + text.length));
  const row = {
    recording: "r1",
    attempt: crypto.randomUUID(),
    state: "recording",
    media_ms: 3_000,
    seen_at: Date.now(),
    pauses: [],
    cues: [],
    urls: { finish: "/finish/", status: "/status/", discard: "/discard/" },
    tracks: [
      { key: "u1", upload: "u1", append_url: "/u1/", role: "camera", content_type: "video/webm", start_ms: 0, end_ms: 3_000, total_bytes, ...track },
    ],
  };
  return {
    isThere: true,
    row: async () => structuredClone(row),
    rows: async () => [structuredClone(row)],
    note: async (noted) => Object.assign(row, structuredClone(noted)),
    slices: async (_key, from = 0, to = Infinity) =>
      new Map([...slices].filter(([offset]) => from <= offset && offset <= to).map(([at, text]) => [at, new Blob([text])])),
    drop: async () => {},
    forgotten: [],
    async forget({ recording }) {
      this.forgotten.push(recording);
    },
    now: row,
  };
}

/* A server that has some bytes of the part and takes more up to a limit. */
function serverWith(received, { most = Infinity, code = "quota", state = "ready" } = {}) {
  const server = {
    received,
    told: [],
    offset: async () => ({ kind: "elsewhere", offset: server.received }),
    append: async (_url, offset, blob) => {
      if (offset + blob.size > most) return { kind: "refused", code };
      server.received = offset + blob.size;
      return { kind: "taken", offset: server.received };
    },
    finish: async (_url, facts) => {
      server.told.push(facts);
      return { kind: "finished", uploads: { u1: server.received } };
    },
    status: async () => ({ kind: "status", state, uploads: { u1: server.received } }),
  };
  return server;
}

async function reopened(shelf, transport) {
  const { take, refused } = await Take.reopen({ row: await shelf.row(), shelf, transport });
  assert.equal(refused, undefined);
  return take;
}

const slices = [[0, "abc"], [3, "def"], [6, "ghi"]];

test("what the server has whole is finished, and forgotten once it is ready", async () => {
  const shelf = shelfWith(slices);
  const server = serverWith(3);
  const take = await reopened(shelf, server);

  await take.deliver();
  await take.settle(1);

  assert.deepEqual([server.told[0].uploads, server.told[0].recorded], [{ u1: 9 }, { u1: 9 }]);
  assert.deepEqual([take.missingBytes, shelf.now.state, shelf.forgotten], [0, "finished", ["r1"]]);
});

for (const state of ["ready", "ready_partial"]) {
  test(`to use what arrived forgets nothing of the rest: ${state}`, async () => {
    const shelf = shelfWith(slices);
    const server = serverWith(3, { most: 5, state });
    const take = await reopened(shelf, server);
    await assert.rejects(take.deliver(), Refusal);

    await take.deliver({ asArrived: true });
    await take.settle(1);

    assert.deepEqual([server.told[0].uploads, server.told[0].recorded], [{ u1: 3 }, { u1: 9 }]);
    assert.deepEqual([take.missingBytes, shelf.now.state, shelf.forgotten], [6, "recorded", []]);
    assert.equal(held.size, 0);
  });
}

test("nor where another window finished it with less", async () => {
  const shelf = shelfWith(slices);
  const server = serverWith(3, { most: 3, code: "not_recording" });
  const take = await reopened(shelf, server);
  await assert.rejects(take.deliver(), { code: "not_recording" });

  await take.deliver({ asArrived: true });
  await take.settle(1);

  assert.deepEqual([take.missingBytes, shelf.now.state, shelf.forgotten], [6, "recorded", []]);
});

test("a part of which nothing was sent is told as recorded", async () => {
  const shelf = shelfWith(slices);
  shelf.now.tracks.push({ ...shelf.now.tracks[0], key: "k2", upload: "", append_url: "" });
  const server = serverWith(0, { most: 0 });
  server.begin = async () => ({ kind: "refused", code: "quota" });
  const take = await reopened(shelf, server);
  await take.deliver({ asArrived: true });

  assert.deepEqual([server.told[0].uploads, server.told[0].recorded], [{}, { u1: 9, k2: 9 }]);
});

test("what lies behind a hole stays here", async () => {
  const shelf = shelfWith([[0, "abc"], [6, "ghi"]]);
  const server = serverWith(0);
  const take = await reopened(shelf, server);

  await take.deliver();
  await take.settle(1);

  assert.deepEqual([server.told[0].uploads, server.told[0].recorded], [{ u1: 3 }, { u1: 9 }]);
  assert.deepEqual([take.missingBytes, shelf.now.state, shelf.forgotten], [6, "recorded", []]);
});

test("a recording is taken up as it is by now, not as it was listed", async () => {
  const shelf = shelfWith(slices);
  const listed = await shelf.row();
  shelf.now.tracks.push({ ...listed.tracks[0], key: "u2", upload: "u2", append_url: "/u2/" });

  const { take } = await Take.reopen({ row: listed, shelf, transport: serverWith(9) });

  assert.deepEqual(take.row.tracks.map(({ key }) => key), ["u1", "u2"]);
  const again = await Take.reopen({ row: listed, shelf, transport: serverWith(9) });
  assert.equal(again.refused.code, "elsewhere");
  await take.forget();
  await held.size;
  shelf.row = async () => null;
  const late = await Take.reopen({ row: listed, shelf, transport: serverWith(9) });
  assert.equal(late.refused.code, "done_elsewhere");
});

test("an upload that no part knows of does not stand in the way", async () => {
  const shelf = shelfWith(slices);
  const server = serverWith(9);
  const { finish } = server;
  server.finish = async (url, facts) => {
    const answer = await finish(url, facts);
    return facts.uploads.u0 ? answer : { kind: "elsewhere", uploads: { u0: 4, u1: 9 } };
  };
  const take = await reopened(shelf, server);

  await take.deliver();

  assert.deepEqual(server.told.at(-1).uploads, { u0: 4, u1: 9 });
});

test("what is missing is reckoned by part: more of one makes up for no other", () => {
  const tracks = [
    { upload: "u1", total_bytes: 10 },
    { upload: "u2", total_bytes: 10 },
    { upload: "", total_bytes: 3 },
  ];

  assert.equal(missingOf({ tracks }, { u1: 15, u2: 4 }), 9);
  assert.equal(missingOf({ tracks }), 23);
});
