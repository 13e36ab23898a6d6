/* Captions by the browser while one records: what is kept, when it is begun again, how it ends. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BrowserCaptions } from "../../static/js/recording_captions.js";

/* A browser's recognition, played by the test. */
class Fake {
  static made = [];
  starts = 0;
  stops = 0;

  constructor() {
    Fake.made.push(this);
  }

  start() {
    if (this.isOn) throw new Error("InvalidStateError");
    this.isOn = true;
    this.starts += 1;
  }

  stop() {
    this.stops += 1;
  }

  hear(...results) {
    const list = results.map(([transcript, isFinal]) => Object.assign([{ transcript }], { isFinal }));
    this.onresult({ resultIndex: 0, results: list });
  }

  end(error) {
    if (error) this.onerror({ error });
    this.isOn = false;
    this.onend();
  }
}

function begun() {
  const waiting = [];
  const heard = { lines: [], ends: [], waits: [] };
  const clock = { ms: 0 };
  const captions = new BrowserCaptions({
    language: "en-GB",
    now: () => clock.ms,
    onLine: (cue) => heard.lines.push(cue.text),
    onEnd: (word) => heard.ends.push(word),
    Recognition: Fake,
    later: (act, ms) => {
      heard.waits.push(ms);
      waiting.push(act);
    },
  });
  captions.start();
  const wait = () => waiting.splice(0).forEach((act) => act());
  return { captions, heard, clock, wait, fake: Fake.made.at(-1) };
}

test("a browser without it is told apart", () => {
  assert.equal(BrowserCaptions.isThere, false);
  globalThis.webkitSpeechRecognition = Fake;
  assert.equal(BrowserCaptions.isThere, true);
  delete globalThis.webkitSpeechRecognition;
});

test("final lines are kept with the media time from their first word to their last", () => {
  const { captions, heard, clock, fake } = begun();

  assert.equal(fake.lang, "en-GB");
  clock.ms = 1000.4;
  fake.hear(["who", false]);
  clock.ms = 2500;
  fake.hear(["who decides", true]);
  clock.ms = 4000;
  fake.hear(["who decides", true], [" I ", false]);
  clock.ms = 4800;
  fake.hear(["who decides", true], [" I do ", true]);

  assert.deepEqual(captions.cues, [
    { start_ms: 1000, end_ms: 2500, text: "who decides" },
    { start_ms: 4000, end_ms: 4800, text: "I do" },
  ]);
  assert.deepEqual(heard.lines, ["who decides", "I do"]);
});

test("it is begun again after each of its ends, and counts lines anew", () => {
  const { captions, clock, wait, fake } = begun();
  clock.ms = 1000;
  fake.hear(["one", true]);
  fake.end();
  wait();
  assert.equal(fake.starts, 2);
  clock.ms = 9000;
  fake.hear(["two", true]);

  assert.deepEqual(
    captions.cues.map(({ start_ms, end_ms, text }) => [start_ms, end_ms, text]),
    [
      [1000, 1001, "one"],
      [9000, 9001, "two"],
    ],
  );
});

test("silence ends nothing", () => {
  const { heard, wait, fake } = begun();
  for (let times = 0; times < 50; times += 1) {
    fake.end("no-speech");
    wait();
  }

  assert.equal(fake.starts, 51);
  assert.deepEqual(heard.ends, []);
});

test("what cannot go on ends with a word, once, and quietly", () => {
  const words = { "not-allowed": "forbidden", "audio-capture": "unheard", "language-not-supported": "language" };
  for (const [error, word] of Object.entries(words)) {
    const { heard, wait, fake } = begun();
    fake.end(error);
    wait();

    assert.deepEqual(heard.ends, [word]);
    assert.equal(fake.starts, 1);
  }
});

test("a network that fails again and again ends it, one failure does not", () => {
  const { heard, wait, fake } = begun();
  fake.end("network");
  wait();
  fake.hear(["back", true]);
  for (let times = 0; times < 20; times += 1) {
    fake.end("network");
    wait();
  }

  assert.deepEqual(heard.ends, ["unreachable"]);
  assert.ok(fake.starts < 10);
  assert.ok(heard.waits.at(-1) > heard.waits[0]);
});

test("a pause stops it, what was being understood still comes, and it goes on", () => {
  const { captions, clock, wait, fake } = begun();
  clock.ms = 1000;
  fake.hear(["half", false]);
  captions.stop();
  clock.ms = 1200;
  fake.hear(["half a line", true]);
  captions.start(); // before it has ended
  assert.equal(fake.starts, 1);
  fake.end();
  wait();

  assert.equal(fake.starts, 2);
  assert.equal(fake.stops, 1);
  assert.equal(captions.cues[0].text, "half a line");
});

test("stopped for good it is not begun again", () => {
  const { captions, wait, fake, heard } = begun();
  captions.stop();
  fake.end("aborted");
  wait();

  assert.equal(fake.starts, 1);
  assert.deepEqual(heard.ends, []);
});
