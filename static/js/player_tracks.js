/* Several tracks that play as one, on the recording's clock. What plays them is handed in.
 *
 * One leads: the first that has something at this moment. The others follow it by playing a little faster or
 * slower, and jump where they are too far off. A track that ends or fails gives the lead to the next.
 */

export const FARTHEST_MS = 400;
export const NUDGE_MOST = 0.05;
const SETTLED_MS = 12;
const SETTLE_WITHIN_MS = 1000;
const TICK_MS = 100;
const JUMP_REST_MS = 1000;
const JUMP_MOST_MS = 1500;
const HAVE_METADATA = 1;
const HAVE_FUTURE_DATA = 3;

/* What a follower does that is late by so much, or early below zero: jumps, or plays at a rate of its own. */
export function correction(lateMs, rate) {
  if (Math.abs(lateMs) > FARTHEST_MS) return { isJump: true, rate };
  if (Math.abs(lateMs) <= SETTLED_MS) return { isJump: false, rate };
  const share = lateMs / SETTLE_WITHIN_MS;
  return { isJump: false, rate: rate * (1 + Math.max(-NUDGE_MOST, Math.min(NUDGE_MOST, share))) };
}

/* `tracks` are { media, startMs, durationMs }, the main one first; `media` is a media element. */
export class Tracks {
  #tracks;
  #durationMs;
  #lead;
  #isWanted = false;
  #rate = 1;
  #isMuted = false;
  #wantedMs = null;
  #seeks = 0;
  #timer = null;
  #onChange;
  #now;

  constructor(tracks, { durationMs, onChange = () => {}, now = () => performance.now() }) {
    this.#tracks = tracks.map((track) => ({ ...track, isFailed: false, jumpedAt: -Infinity, leadMs: 0 }));
    this.#durationMs = durationMs;
    this.#lead = this.#tracks[0];
    this.#onChange = onChange;
    this.#now = now;
    for (const track of this.#tracks) this.#listen(track);
    this.#hush();
  }

  /* The element that leads. */
  get media() {
    return this.#lead.media;
  }

  /* Where one is; while a seek waits for the media, where it leads to. */
  get ms() {
    return this.#wantedMs ?? this.#lead.startMs + this.#lead.media.currentTime * 1000;
  }

  get durationMs() {
    return this.#durationMs || Math.max(0, ...this.#tracks.map((track) => this.#endOf(track)).filter(Number.isFinite));
  }

  get isPlaying() {
    return this.#isWanted;
  }

  get rate() {
    return this.#rate;
  }

  set rate(rate) {
    this.#rate = rate;
    for (const track of this.#tracks) track.media.playbackRate = rate;
    this.#onChange();
  }

  get isMuted() {
    return this.#isMuted;
  }

  set isMuted(isMuted) {
    this.#isMuted = isMuted;
    this.#hush();
    this.#onChange();
  }

  /* How far each follower is behind the lead, in ms; for tests and the curious. */
  get lags() {
    return this.#others.filter((track) => this.#covers(track, this.ms)).map((track) => this.#lag(track));
  }

  async play() {
    if (this.ms >= this.durationMs - 50 && this.durationMs) this.seek(0);
    this.#isWanted = true;
    this.#startTimer();
    this.#onChange();
    await this.#playAll();
  }

  pause() {
    this.#isWanted = false;
    this.#stopTimer();
    for (const { media } of this.#tracks) media.pause();
    this.#onChange();
  }

  /* Goes to a time and stays as it was, playing or not. Several tracks start again together. */
  async seek(ms) {
    const wantedMs = Math.max(0, Math.min(ms, this.durationMs || Infinity));
    const seek = (this.#seeks += 1);
    this.#wantedMs = wantedMs;
    this.#takeLead(this.#leaderAt(wantedMs) ?? this.#nextAfter(wantedMs) ?? this.#lasting);
    const covering = this.#tracks.filter((track) => this.#covers(track, wantedMs));
    if (this.#tracks.length > 1) for (const { media } of this.#tracks) media.pause();
    this.#onChange();
    await Promise.all(this.#tracks.map((track) => this.#place(track, wantedMs, covering)));
    if (seek !== this.#seeks) return;
    this.#wantedMs = null;
    this.#onChange();
    if (this.#isWanted) await this.#playAll();
  }

  /* Takes a track out: what it has cannot be played. Says whether any is left. */
  fail(media) {
    const failed = this.#tracks.find((track) => track.media === media);
    failed.isFailed = true;
    const ms = this.ms;
    const next = this.#leaderAt(ms) ?? this.#nextAfter(ms);
    if (failed === this.#lead && next) this.#takeLead(next);
    if (this.#isWanted && next) this.#playAll();
    return this.#tracks.some((track) => !track.isFailed);
  }

  /* Puts a track back that has fresh bytes, at the time and the pace of the others. */
  async restore(media, ms) {
    const track = this.#tracks.find((one) => one.media === media);
    track.isFailed = false;
    this.#seeks += 1;
    this.#wantedMs = ms;
    await this.#place(track, ms, [track]);
    this.#wantedMs = null;
    this.#takeLead(this.#leaderAt(ms) ?? track);
    if (this.#isWanted) await this.#playAll();
  }

  get #others() {
    return this.#tracks.filter((track) => track !== this.#lead && !track.isFailed);
  }

  #listen(track) {
    const { media } = track;
    for (const type of ["timeupdate", "seeked", "ratechange", "loadedmetadata", "durationchange"]) {
      media.addEventListener(type, () => track === this.#lead && this.#onChange());
    }
    media.addEventListener("ended", () => this.#onEnd(track));
    // The browser's own keys and the earphones' button pause and play the element itself.
    media.addEventListener("pause", () => this.#onElement(track, false));
    media.addEventListener("play", () => this.#onElement(track, true));
  }

  #onElement(track, isPlay) {
    if (track !== this.#lead || this.#wantedMs !== null || track.media.ended || isPlay === this.#isWanted) return;
    if (track.media.paused === isPlay) return;
    if (isPlay) this.play();
    else this.pause();
  }

  #endOf({ startMs, durationMs, media }) {
    return startMs + (durationMs || (Number.isFinite(media.duration) ? media.duration * 1000 : Infinity));
  }

  #covers(track, ms) {
    return !track.isFailed && ms >= track.startMs && ms < this.#endOf(track);
  }

  #leaderAt(ms) {
    return this.#tracks.find((track) => this.#covers(track, ms));
  }

  /* The track that begins next after a moment at which there is none. */
  #nextAfter(ms) {
    const later = this.#tracks.filter((track) => !track.isFailed && track.startMs > ms);
    return later.sort((one, other) => one.startMs - other.startMs)[0];
  }

  /* The track that ends last. */
  get #lasting() {
    const usable = this.#tracks.filter(({ isFailed }) => !isFailed);
    return usable.reduce((one, other) => (this.#endOf(other) > this.#endOf(one) ? other : one), usable[0] ?? this.#lead);
  }

  #takeLead(track) {
    this.#lead = track;
    track.media.playbackRate = this.#rate;
    this.#hush();
  }

  /* One is heard: the lead. */
  #hush() {
    for (const track of this.#tracks) track.media.muted = this.#isMuted || track !== this.#lead;
  }

  #lag(track) {
    return this.ms - track.startMs - track.media.currentTime * 1000;
  }

  /* Brings a track to a moment; one that has nothing then waits at its nearer end. */
  async #place(track, ms, covering) {
    if (track.isFailed) return;
    const { media } = track;
    if (media.readyState < HAVE_METADATA) await heard(media, "loadedmetadata", covering.includes(track) ? null : 0);
    if (media.readyState < HAVE_METADATA) return;
    const seconds = Math.max(0, Math.min(ms, this.#endOf(track)) - track.startMs) / 1000;
    media.currentTime = seconds;
    if (this.#tracks.length > 1) await heard(media, "seeked", track === this.#lead ? null : JUMP_MOST_MS);
  }

  async #playAll() {
    const ms = this.ms;
    const playing = this.#tracks.filter((track) => this.#covers(track, ms) || track === this.#lead);
    await Promise.all(playing.filter(({ isFailed }) => !isFailed).map(({ media }) => media.play().catch(() => {})));
    if (this.#isWanted && this.#lead.media.paused && !this.#lead.media.ended && !this.#lead.isFailed) {
      if (this.#wantedMs === null) this.pause(); // the browser did not let it play
    }
  }

  #onEnd(track) {
    if (track !== this.#lead || !this.#isWanted) return;
    const ms = this.#endOf(track);
    const next = this.#tracks.find((one) => one !== track && this.#covers(one, ms)) ?? this.#nextAfter(ms - 1);
    if (next && next !== track) {
      this.#takeLead(next);
      if (!this.#covers(next, ms)) this.seek(next.startMs);
      else this.#playAll();
      return;
    }
    this.#isWanted = false;
    this.#stopTimer();
    for (const { media } of this.#tracks) media.pause();
    this.#onChange();
  }

  #startTimer() {
    if (this.#tracks.length > 1) this.#timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  #stopTimer() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /* Keeps the followers with the lead. */
  tick() {
    if (!this.#isWanted || this.#wantedMs !== null) return;
    const isHeld = this.#lead.media.readyState < HAVE_FUTURE_DATA || this.#lead.media.seeking;
    for (const track of this.#others) this.#follow(track, isHeld);
  }

  #follow(track, isHeld) {
    const { media } = track;
    if (isHeld || !this.#covers(track, this.ms)) {
      if (!media.paused) media.pause();
      return;
    }
    if (media.readyState < HAVE_METADATA || media.seeking) return;
    const { isJump, rate } = correction(this.#lag(track), this.#rate);
    if (!isJump) media.playbackRate = rate;
    else if (this.#now() - track.jumpedAt > JUMP_REST_MS) this.#jump(track);
    if (media.paused) media.play().catch(() => {});
  }

  /* A jump takes a while, in which the lead goes on: it aims so far ahead as the last ones took. */
  #jump(track) {
    const { media } = track;
    const beganAt = (track.jumpedAt = this.#now());
    media.playbackRate = this.#rate;
    media.currentTime = Math.max(0, this.ms + track.leadMs * this.#rate - track.startMs) / 1000;
    heard(media, "seeked", JUMP_MOST_MS).then(() => {
      const tookMs = Math.min(JUMP_MOST_MS, this.#now() - beganAt);
      track.leadMs = track.leadMs ? (track.leadMs + tookMs) / 2 : tookMs;
    });
  }
}

/* Waits for an event of the media, so long at most; for good without a limit, but for an error. */
function heard(media, type, mostMs) {
  if (mostMs === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      media.removeEventListener(type, done);
      media.removeEventListener("error", done);
      resolve();
    };
    const timer = mostMs === null ? null : setTimeout(done, mostMs);
    media.addEventListener(type, done);
    media.addEventListener("error", done);
  });
}
