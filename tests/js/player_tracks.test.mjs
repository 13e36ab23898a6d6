/* Tracks that play as one: who leads, how the others follow, what happens where one ends or fails. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { correction, Tracks } from "../../static/js/player_tracks.js";

/* A media element of so many seconds; `drift` is how much faster it runs than it should. */
class Media extends EventTarget {
  currentTime = 0;
  playbackRate = 1;
  paused = true;
  ended = false;
  muted = false;
  seeking = false;
  readyState = 4;

  constructor(duration, drift = 0) {
    super();
    this.duration = duration;
    this.drift = drift;
    return new Proxy(this, {
      get: (it, name) => (typeof it[name] === "function" ? it[name].bind(it) : it[name]),
      set: (it, name, value) => {
        it[name] = value;
        if (name === "currentTime") queueMicrotask(() => it.dispatchEvent(new Event("seeked")));
        return true;
      },
    });
  }

  async play() {
    this.paused = this.ended = false;
  }

  pause() {
    this.paused = true;
  }

  run(seconds) {
    if (this.paused) return;
    this.currentTime = Math.min(this.duration, this.currentTime + seconds * this.playbackRate * (1 + this.drift));
    if (this.currentTime < this.duration) return;
    this.ended = this.paused = true;
    this.dispatchEvent(new Event("ended"));
  }
}

function together(t, ...tracks) {
  const durationMs = Math.max(...tracks.map(({ media, startMs = 0 }) => startMs + media.duration * 1000));
  let now = 0;
  const made = new Tracks(
    tracks.map(({ media, startMs = 0 }) => ({ media, startMs, durationMs: media.duration * 1000 })),
    { durationMs, now: () => now },
  );
  t.after(() => made.pause());
  const run = async (seconds) => {
    for (let step = 0; step < seconds * 10; step += 1) {
      now += 100;
      for (const { media } of tracks) media.run(0.1);
      made.tick();
      await null;
    }
  };
  return { made, run };
}

test("a follower is nudged by no more than a twentieth, and jumps beyond 400 ms", () => {
  assert.deepEqual(correction(10, 1), { isJump: false, rate: 1 });
  assert.deepEqual(correction(30, 1), { isJump: false, rate: 1.03 });
  assert.deepEqual(correction(300, 1), { isJump: false, rate: 1.05 });
  assert.deepEqual(correction(-300, 2), { isJump: false, rate: 1.9 });
  assert.deepEqual(correction(401, 1.5), { isJump: true, rate: 1.5 });
});

test("a second track that drifts stays within 80 ms", async (t) => {
  const [camera, screen] = [new Media(600), new Media(600, 0.004)];
  const { made, run } = together(t, { media: camera }, { media: screen, startMs: 350 });
  await made.seek(1000);
  await made.play();
  const lags = [];
  for (let second = 0; second < 30; second += 1) {
    await run(1);
    lags.push(Math.abs(made.lags[0]));
  }
  made.pause();

  assert.ok(Math.max(...lags) < 80, String(lags));
  assert.ok(camera.paused && screen.paused);
});

test("a follower that fell far behind jumps once and rests", async (t) => {
  const [camera, screen] = [new Media(600), new Media(600)];
  const { made, run } = together(t, { media: camera }, { media: screen });
  await made.play();
  await run(1);
  screen.currentTime = 0;
  camera.currentTime = 20;
  await run(0.1);

  assert.ok(Math.abs(made.lags[0]) < 1);
});

test("one seek moves all tracks on the one clock, and one is heard", async (t) => {
  const [camera, screen] = [new Media(600), new Media(600)];
  const { made } = together(t, { media: camera }, { media: screen, startMs: 2000 });
  await made.seek(30_000);

  assert.deepEqual([camera.currentTime, screen.currentTime], [30, 28]);
  assert.deepEqual([camera.muted, screen.muted], [false, true]);
  await made.seek(1000);
  assert.deepEqual([camera.currentTime, screen.currentTime], [1, 0], "the screen has not begun");
  made.isMuted = true;
  assert.deepEqual([camera.muted, screen.muted], [true, true]);
});

test("a camera that ends early leaves the lead, and its sound, to the screen", async (t) => {
  const [camera, screen] = [new Media(5), new Media(20)];
  const { made, run } = together(t, { media: camera }, { media: screen });
  await made.play();
  await run(8);

  assert.equal(made.media, screen);
  assert.ok(made.isPlaying && !screen.paused && !screen.muted);
  assert.ok(made.ms > 7500 && made.ms < 8500, String(made.ms));
  await run(15);
  assert.ok(!made.isPlaying);
  await made.seek(2000);
  assert.equal(made.media, camera, "back where it has something, it leads again");
});

test("a track that fails does not stop the other, and comes back with fresh bytes", async (t) => {
  const [camera, screen] = [new Media(60), new Media(60)];
  const { made, run } = together(t, { media: camera }, { media: screen });
  made.rate = 1.5;
  await made.play();
  await run(2);
  assert.ok(made.fail(camera));
  await null;

  assert.equal(made.media, screen);
  assert.ok(made.isPlaying && !screen.paused);
  await made.restore(camera, 3000);
  assert.deepEqual([made.media, camera.currentTime, camera.playbackRate], [camera, 3, 1.5]);
  made.fail(camera);
  assert.ok(!made.fail(screen), "nothing is left");
});

test("a time at which there is nothing leads to what comes next", async (t) => {
  const [first, later] = [new Media(5), new Media(5)];
  const { made, run } = together(t, { media: first }, { media: later, startMs: 10_000 });
  await made.play();
  await run(7);
  await null;

  assert.equal(made.media, later);
  assert.ok(made.ms >= 10_000);
});
