/* The queue and its sender against a server in memory that loses, repeats and refuses. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  FileStore,
  PIECE_BYTES,
  Refusal,
  Sender,
  WAIT_MS,
} from "../../static/js/recording_queue.js";
import { Shelf, SliceStore } from "../../static/js/recording_store.js";

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/* Acknowledges what comes at its offset; `answers` may say otherwise, one a request. */
class Server {
  content = "";
  requests = [];
  answers = [];

  send = async (offset, blob) => {
    const body = await blob.text();
    this.requests.push({ offset, size: blob.size });
    const answer = this.answers.shift();
    if (answer?.keeps !== undefined) this.content += body.slice(0, answer.keeps);
    if (answer) return answer;
    if (offset !== this.content.length) return { kind: "elsewhere", offset: this.content.length };
    this.content += body;
    return { kind: "taken", offset: this.content.length };
  };
}

function senderTo(server, given = {}) {
  const waits = [];
  const store = given.store ?? new SliceStore({ shelf: new Shelf(), track: {}, row: {} });
  const sender = new Sender({
    store,
    send: server.send,
    sleep: async (ms) => void waits.push(ms),
    random: () => 1,
    now: () => 0,
    ...given,
  });
  return { sender, store, waits };
}

test("slices arrive in order and once", async () => {
  const server = new Server();
  const { sender } = senderTo(server);

  sender.push(new Blob(["abc"]), 1000);
  sender.push(new Blob(["def"]), 2000);
  sender.push(new Blob(["g"]), 2500);
  await sender.flush();

  assert.equal(server.content, "abcdefg");
  assert.equal(sender.sentBytes, 7);
  assert.equal(sender.pendingBytes, 0);
  assert.equal(sender.state, "idle");
});

test("an empty slice is no slice", async () => {
  const server = new Server();
  const { sender } = senderTo(server);

  await sender.push(new Blob([]), 1000);
  await sender.flush();

  assert.deepEqual(server.requests, []);
  assert.equal(sender.pendingMs, 0);
});

test("safe is the media time whose last byte is acknowledged", async () => {
  const server = new Server();
  const { sender } = senderTo(server, { mostBytes: 4 });
  const seen = [];
  sender.push(new Blob(["abc"]), 1000);
  sender.push(new Blob(["def"]), 2000);
  await settled();
  server.answers.push({ kind: "refused", code: "gone" });
  sender.push(new Blob(["g"]), 3000);
  await settled();
  seen.push(sender.safeMs, sender.pendingMs);

  assert.deepEqual(seen, [2000, 1000]);
});

test("an acknowledgement inside a slice does not make the slice safe", async () => {
  const server = new Server();
  server.answers.push({ kind: "taken", offset: 2, keeps: 2 }, { kind: "refused", code: "gone" });
  const { sender } = senderTo(server);

  await sender.push(new Blob(["abc"]), 1000);
  await settled();

  assert.equal(sender.sentBytes, 2);
  assert.equal(sender.safeMs, 0);
});

test("a lost network is tried again with growing waits until it is back", async () => {
  const server = new Server();
  for (let times = 0; times < 7; times += 1) server.answers.push({ kind: "later", code: "unreachable" });
  const { sender, waits } = senderTo(server);

  sender.push(new Blob(["abc"]), 1000);
  await sender.flush();

  assert.equal(server.content, "abc");
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test("waits are spread by chance, and start small again after success", async () => {
  const server = new Server();
  const later = { kind: "later" };
  server.answers.push(later, later, { kind: "taken", offset: 1, keeps: 1 }, later);
  const { sender, waits } = senderTo(server, { random: () => 0 });

  sender.push(new Blob(["abc"]), 1000);
  await sender.flush();

  assert.deepEqual(waits, [250, 500, 250]);
});

test("the server may ask for more patience", async () => {
  const server = new Server();
  server.answers.push({ kind: "later", afterMs: 9000, code: "server_full" });
  const troubles = [];
  const { sender, waits } = senderTo(server, { onChange: ({ trouble }) => troubles.push(trouble) });

  sender.push(new Blob(["abc"]), 1000);
  await sender.flush();

  assert.deepEqual(waits, [9000]);
  assert.ok(troubles.includes("server_full"));
  assert.equal(sender.trouble, "");
});

test("an answer that was lost is found again by the offset", async () => {
  const server = new Server();
  server.answers.push({ kind: "later", keeps: 3 });
  const { sender } = senderTo(server);

  sender.push(new Blob(["abc"]), 1000);
  sender.push(new Blob(["def"]), 2000);
  await sender.flush();

  assert.equal(server.content, "abcdef");
});

test("a server that lost its tail is given it again", async () => {
  const server = new Server();
  const { sender } = senderTo(server);
  sender.push(new Blob(["abcdef"]), 1000);
  await sender.flush();

  server.content = "ab";
  sender.push(new Blob(["gh"]), 2000);
  await sender.flush();

  assert.equal(server.content, "abcdefgh");
  assert.equal(sender.safeMs, 2000);
});

test("a server that has more than was recorded ends the sending", async () => {
  const server = new Server();
  server.answers.push({ kind: "elsewhere", offset: 99 });
  const { sender } = senderTo(server);

  sender.push(new Blob(["abc"]), 1000);

  await assert.rejects(sender.flush(), (error) => error instanceof Refusal && error.code === "lost");
  assert.equal(sender.state, "stopped");
});

test("an answer that moves nothing is waited for and not hammered", async () => {
  const server = new Server();
  server.answers.push({ kind: "taken", offset: 0 }, { kind: "elsewhere", offset: 0 });
  const { sender, waits } = senderTo(server);

  sender.push(new Blob(["abc"]), 1000);
  await sender.flush();

  assert.deepEqual(waits, [500, 1000]);
  assert.equal(server.content, "abc");
});

test("signed out: everything is kept, and goes on after signing in", async () => {
  const server = new Server();
  server.answers.push({ kind: "signed_out" });
  const states = [];
  const { sender, waits } = senderTo(server, { onChange: ({ state }) => states.push(state) });

  sender.push(new Blob(["abc"]), 1000);
  await sender.flush();

  assert.ok(states.includes("signed_out"));
  assert.deepEqual(waits, [WAIT_MS.signedOut]);
  assert.equal(server.content, "abc");
});

test("a refusal ends the sending, and the bytes are still there for a copy", async () => {
  const server = new Server();
  server.answers.push({ kind: "refused", code: "too_large", message: "Too large." });
  const { sender, store } = senderTo(server);

  sender.push(new Blob(["abc"]), 1000);
  await assert.rejects(sender.flush(), { code: "too_large", message: "Too large." });
  await sender.push(new Blob(["def"]), 2000);
  await assert.rejects(sender.flush(), { code: "too_large" });

  assert.equal(server.requests.length, 1);
  assert.equal(sender.pendingBytes, 6);
  assert.equal(await (await store.whole("video/webm")).text(), "abcdef");
});

test("stopping while a piece is under way leaves the count as it was", async () => {
  const { sender } = senderTo({ send: () => settled().then(() => ({ kind: "taken", offset: 3 })) });

  sender.push(new Blob(["abc"]), 1000);
  const flushed = sender.flush();
  await new Promise((resolve) => setTimeout(resolve, 1));
  sender.stop();

  await assert.rejects(flushed, { code: "stopped" });
  await settled();
  assert.equal(sender.sentBytes, 0);
});

test("a nudge ends a wait", async () => {
  const server = new Server();
  server.answers.push({ kind: "later" });
  const { sender } = senderTo(server, { sleep: () => new Promise(() => {}) });

  sender.push(new Blob(["abc"]), 1000);
  await settled();
  assert.equal(sender.state, "waiting");
  sender.nudge();
  await sender.flush();

  assert.equal(server.content, "abc");
});

test("a send that throws counts as a lost network", async (context) => {
  context.mock.method(console, "error", () => {});
  const server = new Server();
  const { send } = server;
  let isBroken = true;
  server.send = async (offset, blob) => {
    if (isBroken) {
      isBroken = false;
      throw new Error("bug");
    }
    return send(offset, blob);
  };
  const { sender } = senderTo(server);

  sender.push(new Blob(["abc"]), 1000);
  await sender.flush();

  assert.equal(server.content, "abc");
});

test("pieces grow while the server is quick and stay under the most", async () => {
  const size = 3_000_000;
  const server = new Server();
  const { sender } = senderTo(server, {
    store: new FileStore(new Blob(["x".repeat(size)])),
    totalBytes: size,
    mostBytes: 1024 * 1024,
  });

  await sender.flush();

  const kib = server.requests.map((request) => request.size / 1024);
  assert.deepEqual(kib.slice(0, 4), [256, 512, 1024, 1024]);
  assert.equal(server.content.length, size);
});

test("pieces shrink while the server is slow or away, down to the least", async () => {
  const size = 400_000;
  const server = new Server();
  server.answers.push({ kind: "later" }, { kind: "later" }, { kind: "later" });
  let now = 0;
  const { sender } = senderTo(server, {
    store: new FileStore(new Blob(["x".repeat(size)])),
    totalBytes: size,
    now: () => (now += 5000),
  });

  await sender.flush();

  const sizes = server.requests.map((request) => request.size);
  assert.deepEqual(sizes.slice(0, 3), [256 * 1024, 128 * 1024, PIECE_BYTES.least]);
  assert.equal(Math.min(...sizes.slice(0, -1)), PIECE_BYTES.least);
});

test("a chosen file goes on from where the server is", async () => {
  const server = new Server();
  server.content = "abcd";
  const { sender } = senderTo(server, {
    store: new FileStore(new Blob(["abcdefgh"])),
    totalBytes: 8,
    sentBytes: 4,
  });

  await sender.flush();

  assert.equal(server.content, "abcdefgh");
  assert.deepEqual(server.requests, [{ offset: 4, size: 4 }]);
});

test("resume goes back to what the server says, and refuses nonsense", async () => {
  const server = new Server();
  const { sender } = senderTo(server);
  sender.push(new Blob(["abcdef"]), 1000);
  await sender.flush();

  server.content = "abc";
  sender.resume(3);
  await sender.flush();
  assert.equal(server.content, "abcdef");

  sender.resume(7);
  await assert.rejects(sender.flush(), { code: "lost" });
});

test("whatever goes wrong on the way, the server ends with the same bytes", async () => {
  let seed = 7;
  const random = () => ((seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647);
  for (let round = 0; round < 40; round += 1) {
    const server = new Server();
    const plain = server.send;
    server.send = async (offset, blob) => {
      const luck = random();
      if (luck < 0.15) return { kind: "later" };
      if (luck < 0.3) {
        await plain(offset, blob.slice(0, Math.floor(random() * blob.size)));
        return { kind: "later" };
      }
      if (luck < 0.4) {
        await plain(offset, blob);
        return { kind: "signed_out" };
      }
      return plain(offset, blob);
    };
    const { sender } = senderTo(server, { mostBytes: 1 + Math.floor(random() * 12), random });
    let recorded = "";
    let endMs = 0;
    for (let slice = 0; slice < 20; slice += 1) {
      const part = String.fromCharCode(97 + slice).repeat(Math.floor(random() * 9));
      recorded += part;
      if (part) endMs = slice * 1000;
      sender.push(new Blob([part]), slice * 1000);
      if (random() < 0.5) await settled();
    }
    await sender.flush();
    assert.equal(server.content, recorded);
    assert.equal(sender.safeMs, endMs);
  }
});

test("after a failure the server is asked what has arrived of it", async () => {
  const server = new Server();
  server.answers.push({ kind: "later", keeps: 3 });
  const asked = [];
  const where = async () => {
    asked.push(server.content.length);
    return { kind: "elsewhere", offset: server.content.length };
  };
  const { sender } = senderTo(server, { where });

  sender.push(new Blob(["abcdef"]), 1000);
  await sender.flush();

  assert.equal(server.content, "abcdef");
  assert.deepEqual(asked, [3]);
  assert.deepEqual(server.requests.map(({ offset }) => offset), [0, 3]);
});

test("a server that answers where, but takes nothing, is waited for ever longer", async () => {
  const server = new Server();
  for (let times = 0; times < 4; times += 1) server.answers.push({ kind: "later", code: "server_full" });
  const where = async () => ({ kind: "elsewhere", offset: 0 });
  const { sender, waits } = senderTo(server, { where });

  sender.push(new Blob(["abc"]), 1000);
  await sender.flush();

  assert.deepEqual(waits, [500, 1000, 2000, 4000]);
});

test("a slow server gets a rest between pieces, but not at the end", async () => {
  const server = new Server();
  let now = 0;
  const slowly = async (offset, blob) => {
    now += 2_000;
    return server.send(offset, blob);
  };
  const { sender, waits } = senderTo(server, { send: slowly, now: () => now });

  sender.push(new Blob(["abc"]), 1000);
  await settled();
  sender.push(new Blob(["def"]), 2000);
  await sender.flush();

  assert.equal(server.content, "abcdef");
  assert.deepEqual(waits, [2_000]);
});

test("a part of an earlier page goes on where the server is", async () => {
  const server = new Server();
  server.content = "ab";
  const store = new SliceStore({ shelf: new Shelf(), track: {}, row: {} });
  await store.append(new Blob(["abcdef"]));
  const { sender } = senderTo(server, { store, sentBytes: 2, totalBytes: 6, startMs: 500, endMs: 4000 });

  assert.equal(sender.safeMs, 500);
  await sender.flush();

  assert.equal(server.content, "abcdef");
  assert.equal(sender.safeMs, 4000);
});

test("after a refusal it can be tried again", async () => {
  const server = new Server();
  server.answers.push({ kind: "refused", code: "quota" });
  const { sender } = senderTo(server);
  sender.push(new Blob(["abc"]), 1000);
  await settled();
  sender.push(new Blob(["def"]), 2000);
  await assert.rejects(sender.flush(), Refusal);

  sender.tryAgain();
  await sender.flush();

  assert.equal(server.content, "abcdef");
});

test("bytes that are here no more end the sending", async () => {
  const { sender } = senderTo(new Server(), { sentBytes: 0, totalBytes: 3 });

  await assert.rejects(sender.flush(), ({ code }) => code === "lost");
});
