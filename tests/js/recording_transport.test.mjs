/* What each status of the server means for somebody who sends. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Transport } from "../../static/js/recording_transport.js";

function answer(status, { headers = {}, json = {}, type = "basic" } = {}) {
  return {
    status,
    type,
    ok: status >= 200 && status < 300,
    headers: new Headers(headers),
    json: async () => json,
  };
}

function transportTo(answers, given = {}) {
  const asked = [];
  const fetch = async (url, options) => {
    asked.push({ url, ...options });
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  };
  return { asked, transport: new Transport({ token: "first", fetch, ...given }) };
}

const piece = new Blob(["abc"]);

test("bytes are sent as the server wants them", async () => {
  const { asked, transport } = transportTo([answer(204, { headers: { "Upload-Offset": "8" } })]);

  const result = await transport.append("/tracks/1/", 5, piece);

  assert.deepEqual(result, { kind: "taken", offset: 8 });
  assert.equal(asked[0].method, "PATCH");
  assert.equal(asked[0].body, piece);
  assert.equal(asked[0].redirect, "manual");
  assert.equal(asked[0].headers["Content-Type"], "application/offset+octet-stream");
  assert.equal(asked[0].headers["Upload-Offset"], "5");
  assert.equal(asked[0].headers["X-CSRFToken"], "first");
});

for (const [name, given, expected] of [
  ["no answer", new TypeError("Failed to fetch"), { kind: "later", code: "unreachable" }],
  [
    "wrong offset",
    answer(409, { headers: { "Upload-Offset": "2" }, json: { code: "wrong_offset" } }),
    { kind: "elsewhere", offset: 2 },
  ],
  [
    "finished meanwhile",
    answer(409, { json: { code: "not_recording", message: "Finished." } }),
    { kind: "refused", code: "not_recording", message: "Finished." },
  ],
  ["gone", answer(404), { kind: "refused", code: "gone", message: undefined }],
  ["too large for the proxy", answer(413), { kind: "refused", code: "too_large", message: undefined }],
  [
    "wrong type",
    answer(415, { json: { code: "no_media", message: "No." } }),
    { kind: "refused", code: "no_media", message: "No." },
  ],
  ["busy", answer(423, { json: { code: "busy" } }), { kind: "later", code: "busy", afterMs: 0 }],
  [
    "overloaded",
    answer(503, { headers: { "Retry-After": "7" } }),
    { kind: "later", code: "unreachable", afterMs: 7000 },
  ],
  [
    "disk full",
    answer(507, { json: { code: "server_full" } }),
    { kind: "later", code: "server_full", afterMs: 0 },
  ],
  ["to the sign-in page", answer(0, { type: "opaqueredirect" }), { kind: "signed_out" }],
  ["unauthorised", answer(401), { kind: "signed_out" }],
  ["forbidden", answer(403), { kind: "signed_out" }],
]) {
  test(`an append: ${name}`, async () => {
    const { transport } = transportTo([given]);

    assert.deepEqual(await transport.append("/tracks/1/", 0, piece), expected);
  });
}

test("a stale token is exchanged and the request made again", async () => {
  const { asked, transport } = transportTo(
    [answer(403), answer(204, { headers: { "Upload-Offset": "3" } })],
    { freshToken: async () => "second" },
  );

  assert.deepEqual(await transport.append("/tracks/1/", 0, piece), { kind: "taken", offset: 3 });
  assert.deepEqual(
    asked.map(({ headers }) => headers["X-CSRFToken"]),
    ["first", "second"],
  );
});

test("a token that cannot be fetched leaves the answer as it was", async () => {
  const { transport } = transportTo([answer(403)], {
    freshToken: async () => {
      throw new TypeError("Failed to fetch");
    },
  });

  assert.deepEqual(await transport.append("/tracks/1/", 0, piece), { kind: "signed_out" });
});

test("a recording is begun, asked for, finished and discarded", async () => {
  const urls = { append_url: "/tracks/1/" };
  const { asked, transport } = transportTo([
    answer(201, { json: urls }),
    answer(200, { headers: { "Upload-Offset": "12" } }),
    answer(200, { json: { state: "uploaded" } }),
    answer(200, { json: { state: "failed", error: "empty" } }),
    answer(200, { json: { state: "discarded" } }),
  ]);

  assert.deepEqual(await transport.begin("/begin/", "camera", "video/webm"), { kind: "begun", urls });
  assert.deepEqual(await transport.offset("/tracks/1/"), { kind: "elsewhere", offset: 12 });
  assert.deepEqual(await transport.finish("/finish/", 12, 1234.6, [[0, 300]]), { kind: "finished", state: "uploaded" });
  assert.deepEqual(await transport.status("/status/"), { kind: "status", state: "failed", error: "empty" });
  assert.deepEqual(await transport.discard("/discard/"), { kind: "discarded" });
  assert.deepEqual(
    asked.map(({ method, body }) => [method, body]),
    [
      ["POST", '{"role":"camera","content_type":"video/webm"}'],
      ["HEAD", undefined],
      ["POST", '{"length":12,"duration_ms":1235,"pauses":[[0,300]]}'],
      ["GET", undefined],
      ["POST", "{}"],
    ],
  );
});

test("a finish that misses bytes tells where to go on", async () => {
  const { transport } = transportTo([
    answer(409, { headers: { "Upload-Offset": "4" }, json: { code: "still_missing" } }),
  ]);

  assert.deepEqual(await transport.finish("/finish/", 9, 0), { kind: "elsewhere", offset: 4 });
});
