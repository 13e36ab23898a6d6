/* Links that run out: fresh ones are fetched once, and not for ever. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Links } from "../../static/js/player_links.js";

const PLAYBACK = { sources: [{ role: "camera", src: "/media/1/?t=2" }] };

function answering(...answers) {
  const asked = [];
  const fetch = async (url, options) => {
    asked.push([url, options.method ?? "GET"]);
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    if (answer instanceof Error) throw answer;
    return { ok: answer.status === 200, json: async () => answer.body, type: "basic", ...answer };
  };
  return { asked, fetch };
}

const links = (given, more = {}) => new Links({ url: "/links/", durationMs: 60_000, fetch: given.fetch, ...more });

test("fresh links come as the page's data did", async () => {
  const given = answering({ status: 200, body: PLAYBACK });

  assert.deepEqual(await links(given).fresh(), { kind: "fresh", playback: PLAYBACK });
  assert.deepEqual(given.asked, [["/links/", "GET"]]);
});

test("two tracks that fail at once ask once", async () => {
  const given = answering({ status: 200, body: PLAYBACK });
  const one = links(given);

  const both = await Promise.all([one.fresh(), one.fresh()]);

  assert.equal(given.asked.length, 1);
  assert.deepEqual(both[0], both[1]);
});

test("what is asked for without anything playing since is not asked for for ever", async () => {
  const given = answering({ status: 200, body: PLAYBACK });
  const one = links(given);
  for (let round = 0; round < 5; round += 1) await one.fresh();

  assert.equal(given.asked.length, 2);
  assert.equal((await one.fresh()).kind, "later");
  one.prove();
  assert.equal((await one.fresh()).kind, "fresh");
});

test("a refusal holds for a track that fails after it, until something plays or a person asks", async () => {
  for (const [refused, kind] of [
    [{ status: 404 }, "gone"],
    [{ status: 0, type: "opaqueredirect" }, "signed_out"],
  ]) {
    const given = answering({ status: 200, body: PLAYBACK }, refused, { status: 200, body: PLAYBACK });
    const one = links(given);
    await one.fresh(); // and nothing has played since
    const kinds = [];
    for (let failures = 0; failures < 3; failures += 1) kinds.push((await one.fresh()).kind);

    assert.deepEqual(kinds, [kind, kind, kind]);
    assert.equal(given.asked.length, 2);
    one.prove();
    assert.equal((await one.fresh()).kind, "fresh");
  }
});

test("no answer is no refusal: it is asked for again", async () => {
  const one = links(answering({ status: 503 }, { status: 404 }));

  assert.deepEqual([(await one.fresh()).kind, (await one.fresh()).kind], ["later", "gone"]);
});

test("every way of not getting any has its own word", async () => {
  const kinds = [];
  for (const answer of [
    { status: 404 },
    { status: 403 },
    { status: 200, body: {} },
    { status: 0, type: "opaqueredirect" },
    { status: 503 },
    new Error("offline"),
  ]) {
    kinds.push((await links(answering(answer)).fresh()).kind);
  }

  assert.deepEqual(kinds, ["gone", "gone", "gone", "signed_out", "later", "later"]);
});

test("a link is old a minute before it ends, fifteen minutes and the length after it was made", async () => {
  let now = 0;
  const one = links(answering({ status: 200, body: PLAYBACK }), { now: () => now });
  now = 15 * 60_000;
  assert.ok(!one.isOld);
  now += 1;
  assert.ok(one.isOld);
  await one.fresh();
  assert.ok(!one.isOld);
});

test("a file that does not come says why", async () => {
  const reasons = [];
  for (const answer of [{ status: 403 }, { status: 404 }, { status: 200 }, new Error("offline")]) {
    reasons.push(await links(answering(answer)).reason("/media/1/"));
  }

  assert.deepEqual(reasons, ["old", "gone", "later", "later"]);
});
