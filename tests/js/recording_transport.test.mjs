/* What each status of the server means for somebody who sends. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Transport, metadata } from "../../static/js/recording_transport.js";

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

  const result = await transport.append("/uploads/1/", 5, piece);

  assert.deepEqual(result, { kind: "taken", offset: 8 });
  assert.equal(asked[0].method, "PATCH");
  assert.equal(asked[0].body, piece);
  assert.equal(asked[0].redirect, "manual");
  assert.equal(asked[0].headers["Content-Type"], "application/offset+octet-stream");
  assert.equal(asked[0].headers["Upload-Offset"], "5");
  assert.equal(asked[0].headers["X-CSRFToken"], "first");
  assert.equal(asked[0].headers["Tus-Resumable"], "1.0.0");
  const digest = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
  assert.equal(asked[0].headers["Upload-Checksum"], `sha256 ${digest}`);
  assert.equal(asked[0].keepalive, false);
});

test("what is small enough may outlive a page that goes away", async () => {
  const { asked, transport } = transportTo([answer(204), answer(204)]);
  transport.isLeaving = true;

  await transport.append("/uploads/1/", 0, piece);
  await transport.append("/uploads/1/", 0, new Blob(["x".repeat(70_000)]));

  assert.deepEqual(asked.map(({ keepalive }) => keepalive), [true, false]);
});

test("metadata is written as tus has it", () => {
  assert.equal(
    metadata({ role: "camera", filename: "Überblick.webm", recording: "", start_ms: 0, consent: null }),
    "role Y2FtZXJh,filename w5xiZXJibGljay53ZWJt,start_ms MA==",
  );
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
  [
    "damaged on its way",
    answer(460, { headers: { "Upload-Offset": "0" }, json: { code: "checksum_mismatch", message: "Again." } }),
    { kind: "later", code: "checksum_mismatch", message: "Again.", afterMs: 0 },
  ],
  [
    "too much at once",
    answer(413, { json: { code: "chunk_too_large" } }),
    { kind: "later", code: "chunk_too_large", message: undefined, afterMs: 0 },
  ],
  [
    "no room of one's own",
    answer(413, { json: { code: "quota", message: "Kept: 3 MB." } }),
    { kind: "refused", code: "quota", message: "Kept: 3 MB." },
  ],
  ["discarded", answer(410), { kind: "refused", code: "gone", message: undefined }],
  ["another protocol", answer(412, { json: { code: "tus_version" } }), { kind: "refused", code: "tus_version", message: undefined }],
  [
    "busy",
    answer(423, { json: { code: "busy" } }),
    { kind: "later", code: "busy", message: undefined, afterMs: 0 },
  ],
  [
    "overloaded",
    answer(503, { headers: { "Retry-After": "7" } }),
    { kind: "later", code: "unreachable", message: undefined, afterMs: 7000 },
  ],
  [
    "disk full",
    answer(507, { json: { code: "server_full" } }),
    { kind: "later", code: "server_full", message: undefined, afterMs: 0 },
  ],
  ["to the sign-in page", answer(0, { type: "opaqueredirect" }), { kind: "signed_out" }],
  ["unauthorised", answer(401), { kind: "signed_out" }],
  ["forbidden", answer(403), { kind: "signed_out" }],
]) {
  test(`an append: ${name}`, async () => {
    const { transport } = transportTo([given]);

    assert.deepEqual(await transport.append("/uploads/1/", 0, piece), expected);
  });
}

test("a stale token is exchanged and the request made again", async () => {
  const { asked, transport } = transportTo(
    [answer(403), answer(204, { headers: { "Upload-Offset": "3" } })],
    { freshToken: async () => "second" },
  );

  assert.deepEqual(await transport.append("/uploads/1/", 0, piece), { kind: "taken", offset: 3 });
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

  assert.deepEqual(await transport.append("/uploads/1/", 0, piece), { kind: "signed_out" });
});

test("a recording is begun, asked for, finished and discarded", async () => {
  const urls = { append_url: "/uploads/1/" };
  const { asked, transport } = transportTo([
    answer(201, { json: urls }),
    answer(201, { json: urls }),
    answer(200, { headers: { "Upload-Offset": "12" } }),
    answer(200, { json: { state: "uploaded" } }),
    answer(200, { json: { state: "failed", error: "empty" } }),
    answer(200, { json: { state: "discarded" } }),
  ]);
  const facts = { uploads: { 1: 12 }, starts: { 1: 0 }, pauses: [[0, 300]] };

  assert.deepEqual(await transport.begin("/begin/", { role: "camera" }), { kind: "begun", urls });
  assert.deepEqual(await transport.begin("/begin/", { role: "upload" }, 12), { kind: "begun", urls });
  assert.deepEqual(await transport.offset("/uploads/1/"), { kind: "elsewhere", offset: 12 });
  assert.deepEqual(await transport.finish("/finish/", facts), { kind: "finished", state: "uploaded" });
  assert.deepEqual(await transport.status("/status/"), { kind: "status", state: "failed", error: "empty" });
  assert.deepEqual(await transport.discard("/discard/"), { kind: "discarded" });
  assert.deepEqual(
    asked.map(({ method, body }) => [method, body]),
    [
      ["POST", undefined],
      ["POST", undefined],
      ["HEAD", undefined],
      ["POST", '{"uploads":{"1":12},"starts":{"1":0},"pauses":[[0,300]]}'],
      ["GET", undefined],
      ["POST", "{}"],
    ],
  );
  assert.equal(asked[0].headers["Upload-Defer-Length"], "1");
  assert.equal(asked[0].headers["Upload-Metadata"], "role Y2FtZXJh");
  assert.equal(asked[1].headers["Upload-Length"], "12");
  assert.equal(asked[1].headers["Upload-Defer-Length"], undefined);
});

test("a finish that misses bytes tells where to go on", async () => {
  const { transport } = transportTo([
    answer(409, { json: { code: "still_missing", uploads: { 1: 4 } } }),
  ]);

  assert.deepEqual(await transport.finish("/finish/", {}), { kind: "elsewhere", uploads: { 1: 4 } });
});
