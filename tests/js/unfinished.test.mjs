/* What is offered of a recording that was left in this browser, by what the server says of it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { erase, standingOf } from "../../static/js/unfinished.js";

const tracks = [
  { upload: "u1", total_bytes: 100 },
  { upload: "u2", total_bytes: 50 },
  { upload: "", total_bytes: 7 },
];
const status = (state, uploads) => ({ kind: "status", state, uploads });

const noted = [tracks[0], tracks[1]];

for (const [name, state, parts, answer, expected] of [
  ["it takes the rest", "recording", tracks, status("recording", { u1: 90, u2: 50 }), ["unfinished", 17]],
  ["it cannot be reached", "recorded", tracks, { kind: "later" }, ["unfinished", 157]],
  ["one is signed out", "recorded", tracks, { kind: "signed_out" }, ["unfinished", 157]],
  ["it has none", "recording", tracks, { kind: "refused", code: "gone" }, ["gone", 0]],
  ["finished without the rest", "recorded", tracks, status("ready", { u1: 90, u2: 50 }), ["cut", 17]],
  ["the same before it is ready", "recorded", tracks, status("uploaded", { u1: 90, u2: 50 }), ["cut", 17]],
  ["the same as it plays in part", "finished", tracks, status("ready_partial", { u1: 100 }), ["cut", 57]],
  ["ready, but nobody knows with what", "recorded", noted, status("ready"), ["cut", 150]],
  ["all of it is at work", "finished", noted, status("processing", { u1: 100, u2: 50 }), ["wait", 0]],
  ["all of it is ready", "recorded", noted, status("ready", { u1: 100, u2: 50 }), ["done", 0]],
  ["it could not be played", "finished", noted, status("failed", { u1: 100, u2: 50 }), ["failed", 0]],
]) {
  test(`a recording that was left: ${name}`, () => {
    const { verdict, pendingBytes } = standingOf({ state, tracks: parts }, answer);

    assert.deepEqual([verdict, pendingBytes], expected);
  });
}

/* What happens as one deletes a row that was listed, in a world where something may differ by now. */
async function erased({ row = listed, state = "recording", isHeld = false, agrees = true, discard = {} } = {}) {
  const done = [];
  const ended = await erase(listed, {
    hold: async () => (isHeld ? null : () => done.push("released")),
    shelf: { row: async () => row, forget: async ({ tracks: of }) => done.push(`forgot ${of.length}`) },
    transport: {
      status: async () => status(state, { u1: 100, u2: 50 }),
      discard: async () => done.push("discarded") && { kind: "discarded", ...discard },
    },
    ask: async (isOnServer) => done.push(isOnServer ? "asked for all" : "asked for this copy") && agrees,
  });
  return [ended, done];
}
const listed = { recording: "r1", attempt: "a1", state: "recording", tracks: noted, urls: {} };

for (const [name, world, expected] of [
  ["as it is unfinished", {}, ["deleted", ["asked for all", "discarded", "forgot 2", "released"]]],
  ["as it was", { agrees: false }, ["kept", ["asked for all", "released"]]],
  ["while another page is at it", { isHeld: true }, [{ code: "elsewhere" }, []]],
  ["after another page went on", { row: { ...listed, tracks } }, ["deleted", ["asked for all", "discarded", "forgot 3", "released"]]],
  ["after another page finished it", { state: "processing" }, ["deleted", ["asked for this copy", "forgot 2", "released"]]],
  ["after another page forgot it", { row: null }, ["deleted", ["released"]]],
  ["without the server", { discard: { kind: "later" } }, [{ code: "not_deleted", message: undefined }, ["asked for all", "discarded", "released"]]],
]) {
  test(`a recording in the list is deleted ${name}`, async () => {
    assert.deepEqual(await erased(world), expected);
  });
}
