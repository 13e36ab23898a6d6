/* One recording from its first second until the server has it: its clock, its parts, what is safe.
 *
 * A part is one stream of bytes: devices recorded without a break. A lost microphone or a reloaded
 * page makes a further part of the same role; a shared screen is a part beside. `row` is what the
 * browser's database keeps of it all. No page: what happens is told to the functions handed in.
 */

import { recorderFor } from "./recording_devices.js";
import { Refusal, Sender } from "./recording_queue.js";
import { SliceStore, holdAnswer } from "./recording_store.js";
import { MediaClock } from "./recording_time.js";

const SLICE_MS = 1_000;
const RETRY_MS = 1_000;
const POLL_MS = 1_000;
const READY = ["ready", "ready_partial"];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Take {
  #shelf;
  #transport;
  #chunkBytes;
  #onChange;
  #onEnd;
  #release;
  #parts = [];
  #strangers = {};
  missingBytes = 0; // of what was recorded, once it is finished: the server closed it without them

  /* Opens a recording on the server: { take }, or { refused } with what the transport made of it.
   *
   * `facts` are the row's: attempt, title, user, file_name, language and the address of the answer.
   * `onChange` hears of everything that may be shown, `onEnd(role)` of a recorder that stopped by
   * itself. */
  static async begin({ url, role, contentType, facts, ...given }) {
    const release = await holdAnswer(facts.attempt);
    if (!release) return { refused: { kind: "refused", code: "elsewhere" } };
    if (await isLeft(given.shelf, facts)) {
      release();
      return { refused: { kind: "refused", code: "unfinished_here" } };
    }
    const answer = await given.transport.begin(url, {
      role,
      filetype: contentType,
      consent: given.consent,
    });
    if (answer.kind !== "begun") {
      release();
      return { refused: answer };
    }
    const row = {
      ...facts,
      recording: answer.urls.recording,
      started_at: Date.now(),
      seen_at: Date.now(),
      state: "recording",
      media_ms: 0,
      pauses: [],
      cues: [],
      urls: {
        begin: url,
        finish: answer.urls.finish_url,
        status: answer.urls.status_url,
        discard: answer.urls.discard_url,
        answer: facts.answer_url,
      },
      tracks: [trackOf(role, contentType, answer.urls)],
    };
    await given.shelf.note(row);
    const clock = new MediaClock();
    clock.wait(); // what passes until the first picture is no media time
    return { take: new Take({ row, release, clock, ...given }) };
  }

  /* Takes up a recording that an earlier page left: { take }, or { refused }. */
  static async reopen({ row, ...given }) {
    const release = await holdAnswer(row.attempt);
    if (!release) return { refused: { kind: "refused", code: "elsewhere" } };
    row = await given.shelf.row(row).catch(() => row); // another page may have gone on with it
    if (!row) {
      release();
      return { refused: { kind: "refused", code: "done_elsewhere" } };
    }
    const clock = new MediaClock(undefined, {
      ms: row.media_ms,
      pauses: row.pauses,
      layMs: Date.now() - row.seen_at,
    });
    const take = new Take({ row, release, clock, ...given });
    for (const track of row.tracks) {
      const refused = await take.#takeUp(track);
      if (!refused) continue;
      take.stopSending();
      release();
      return { refused };
    }
    return { take };
  }

  constructor({ row, shelf, transport, clock, release, chunkBytes, ...given }) {
    this.row = row;
    this.clock = clock;
    this.#shelf = shelf;
    this.#transport = transport;
    this.#release = release;
    this.#chunkBytes = chunkBytes;
    this.#onChange = given.onChange ?? (() => {});
    this.#onEnd = given.onEnd ?? (() => {});
    this.cues = given.cues ?? (() => row.cues);
    this.consent = given.consent;
  }

  // Recording

  /* Records a stream as a part of its own. Returns whether this browser can. */
  record(stream, role, quality) {
    const recorder = recorderFor(stream, role, quality);
    if (!recorder) return false;
    const isMain = role !== "screen";
    const track = this.#freshTrack(role, recorder.mimeType);
    const part = this.#open({ track, recorder, store: this.#storeOf(track) });
    recorder.addEventListener("start", () => {
      track.start_ms = Math.round(this.clock.ms);
      if (isMain) this.#run();
    });
    recorder.addEventListener("resume", () => isMain && this.#run());
    recorder.addEventListener("pause", () => {
      recorder.requestData(); // what was recorded is kept now, however long the pause
      if (isMain) this.#hold();
    });
    recorder.addEventListener("dataavailable", ({ data }) => this.#take(part, data));
    part.ended = new Promise((resolve) => recorder.addEventListener("stop", resolve));
    part.ended.then(() => {
      if (isMain) this.#hold();
      if (!part.isStopping) this.#onEnd(role);
    });
    try {
      recorder.start(SLICE_MS);
    } catch {
      part.isStopping = true;
      this.#parts.splice(this.#parts.indexOf(part), 1);
      return false;
    }
    return true;
  }

  pause() {
    for (const { recorder } of this.#active()) if (recorder.state === "recording") recorder.pause();
  }

  resume() {
    for (const { recorder } of this.#active()) if (recorder.state === "paused") recorder.resume();
  }

  /* Ends the parts of a role, or all of them; resolves when their last bytes are kept. */
  async end(role = null) {
    const ending = this.#parts.filter(({ track, recorder }) => recorder && (role ?? track.role) === track.role);
    for (const part of ending) {
      part.isStopping = true;
      if (part.recorder.state !== "inactive") part.recorder.stop();
    }
    await Promise.all(ending.map(({ ended }) => ended));
  }

  /* Whether a recorder of this role is at work, or paused. */
  isRecording(role) {
    return this.#active().some(({ track }) => track.role === role);
  }

  /* The page goes away: what the recorders hold is asked for and sent as well as can be. */
  leave() {
    this.#transport.isLeaving = true;
    for (const { recorder } of this.#active()) recorder.requestData();
  }

  // Sending

  /* What of it is safe on the server, and what hinders the rest. */
  get safety() {
    const senders = this.#parts.map(({ sender }) => sender);
    const pending = senders.filter(({ pendingBytes }) => pendingBytes > 0);
    const totalMs = Math.max(0, ...senders.map((sender) => sender.totalMs));
    const safeMs = Math.min(totalMs, ...pending.map((sender) => sender.safeMs));
    const hindered = (state) => senders.find((sender) => sender.state === state);
    const hindrance = hindered("stopped") ?? hindered("signed_out") ?? hindered("waiting");
    return {
      safeMs,
      totalMs,
      pendingMs: totalMs - safeMs,
      pendingBytes: sum(senders.map(({ pendingBytes }) => pendingBytes)),
      sentBytes: sum(senders.map(({ sentBytes }) => sentBytes)),
      totalBytes: sum(senders.map(({ totalBytes }) => totalBytes)),
      state: hindrance?.state ?? "sending",
      trouble: hindrance?.trouble ?? "",
      refusal: hindrance?.refusal ?? null,
      isInMemory: this.#parts.some(({ store }) => store.isAtRisk),
    };
  }

  nudge() {
    for (const { sender } of this.#parts) sender.nudge();
  }

  tryAgain() {
    for (const { sender } of this.#parts) sender.tryAgain();
  }

  /* Sends the rest and closes the recording, as often as it takes; throws a Refusal.
   *
   * `asArrived` closes it with what the server has of parts that it takes no more of. Whatever is
   * missing there, for that or another reason, stays here: the row is not "finished" then. */
  async deliver({ asArrived = false } = {}) {
    this.row.state = "recorded";
    await this.#note();
    for (;;) {
      await Promise.all(this.#parts.map(({ sender }) => flushed(sender, asArrived)));
      const answer = await this.#transport.finish(this.row.urls.finish, this.#facts());
      if (answer.kind === "finished") {
        this.missingBytes = missingOf(this.row, answer.uploads);
        break;
      }
      if (answer.kind === "refused") throw new Refusal(answer.code, answer.message);
      if (answer.kind === "elsewhere") {
        this.#resumeAt(answer.uploads ?? {});
        await sleep(RETRY_MS);
      } else {
        this.#onChange(answer);
        await sleep(Math.max(RETRY_MS, answer.afterMs ?? 0));
      }
    }
    if (!this.missingBytes) this.row.state = "finished";
    await this.#note();
  }

  /* Waits until the server has made it ready: with all of it, nothing is needed here any more. Gives
   * up waiting after a while: another page looks again. */
  async settle(longestMs) {
    for (let waitedMs = 0; waitedMs < longestMs; waitedMs += POLL_MS) {
      const { state, uploads } = await this.#transport.status(this.row.urls.status);
      if (READY.includes(state) && !missingOf(this.row, uploads)) await this.forget();
      if (READY.includes(state) || state === "failed") break;
      await sleep(POLL_MS);
    }
    this.#release();
  }

  stopSending() {
    for (const { sender } of this.#parts) sender.stop();
  }

  /* Throws it away, there and here. Returns what the transport made of it. */
  async discard() {
    this.stopSending();
    await this.end();
    const answer = await this.#transport.discard(this.row.urls.discard);
    if (answer.kind === "discarded" || answer.code === "gone") await this.forget();
    return answer;
  }

  async forget() {
    await this.#shelf.forget(this.row).catch(() => {});
    this.#release();
  }

  /* What is here, as files that play: one a part. */
  files() {
    return filesOf(this.row, (track) => this.#parts.find((part) => part.track === track)?.store);
  }

  #run() {
    this.clock.run();
    this.row.pauses = this.clock.pauses;
    this.#onChange();
  }

  #hold() {
    this.clock.hold();
    this.#onChange();
  }

  #active() {
    return this.#parts.filter(({ recorder }) => recorder && recorder.state !== "inactive");
  }

  #take(part, data) {
    const ms = this.clock.ms;
    Object.assign(this.row, { media_ms: Math.round(ms), seen_at: Date.now(), cues: this.cues() });
    part.track.end_ms = Math.round(ms);
    part.sender.push(data, ms);
  }

  /* The track that the server opened with the recording, else one that it hears of with its bytes. */
  #freshTrack(role, contentType) {
    const isTaken = (track) => this.#parts.some((part) => part.track === track);
    const waiting = this.row.tracks.find((track) => track.role === role && !isTaken(track));
    const track = waiting ?? trackOf(role, contentType);
    track.start_ms = track.end_ms = Math.round(this.clock.ms);
    track.content_type = contentType;
    if (!waiting) this.row.tracks.push(track);
    return track;
  }

  #storeOf(track) {
    return new SliceStore(this.#shelved(track));
  }

  #shelved(track) {
    return { shelf: this.#shelf, track, row: this.row, makeRoom: () => this.#makeRoom() };
  }

  async #makeRoom() {
    await Promise.all(this.#parts.map(({ store }) => store.prune()));
  }

  #open({ track, store, recorder = null, ...sent }) {
    const sender = new Sender({
      store,
      send: (offset, blob) => this.#send(track, offset, blob),
      where: () => this.#where(track),
      onChange: () => this.#onChange(),
      mostBytes: this.#chunkBytes,
      startMs: track.start_ms,
      ...sent,
    });
    const part = { track, store, sender, recorder, ended: Promise.resolve(), isStopping: false };
    this.#parts.push(part);
    return part;
  }

  /* Opens a part that an earlier page recorded; returns why it cannot go on, if it cannot. */
  async #takeUp(track) {
    const answer = await this.#where(track);
    if (answer.kind !== "elsewhere") return answer;
    const store = await SliceStore.reopen(this.#shelved(track), answer.offset);
    this.#open({
      track,
      store,
      sentBytes: answer.offset,
      totalBytes: store.end,
      endMs: track.end_ms,
    });
    return null;
  }

  /* A further part is opened on the server with its first bytes, so that nothing waits for it. */
  async #send(track, offset, blob) {
    if (!track.append_url) {
      const answer = await this.#transport.begin(this.row.urls.begin, {
        role: track.role,
        filetype: track.content_type,
        recording: this.row.recording,
        start_ms: track.start_ms,
        consent: this.consent,
      });
      if (answer.kind !== "begun") return answer;
      track.upload = answer.urls.upload;
      track.append_url = answer.urls.append_url;
      await this.#note();
    }
    return this.#transport.append(track.append_url, offset, blob);
  }

  async #where(track) {
    if (!track.append_url) return { kind: "elsewhere", offset: 0 };
    return this.#transport.offset(track.append_url);
  }

  /* Goes on where the server is. An upload of this recording that no part knows of was opened by a
   * page that had no room to note it: it is finished with what it has. */
  #resumeAt(received) {
    const own = new Set(this.#parts.map(({ track }) => track.upload));
    this.#strangers = Object.fromEntries(Object.entries(received).filter(([upload]) => !own.has(upload)));
    for (const { track, sender } of this.#parts) {
      if (track.upload in received) sender.resume(received[track.upload]);
    }
  }

  #facts() {
    const sent = this.#parts.filter(({ track, sender }) => track.upload && sender.sentBytes > 0);
    const by = (value, parts = sent) =>
      Object.fromEntries(parts.map((part) => [part.track.upload || part.track.key, value(part)]));
    const cues = this.cues();
    return {
      uploads: { ...this.#strangers, ...by(({ sender }) => sender.sentBytes) },
      recorded: by(({ track, sender }) => Math.max(track.total_bytes, sender.sentBytes), this.#parts),
      starts: by(({ track }) => track.start_ms),
      pauses: this.clock.pauses,
      ...(cues.length && { cues, language: this.row.language }),
    };
  }

  #note() {
    return this.#shelf.note(this.row);
  }
}

/* How much of what was recorded the server has not received, by what it says of each upload. */
export function missingOf(row, received = {}) {
  return sum(row.tracks.map((track) => Math.max(0, track.total_bytes - (received[track.upload] ?? 0))));
}

/* Whether bytes of an unfinished recording of this answer are here: a new one would take its place. */
async function isLeft(shelf, { attempt, user }) {
  const rows = await shelf.rows().catch(() => []);
  return rows.some(
    (row) =>
      row.attempt === attempt &&
      row.user === user &&
      row.state !== "finished" &&
      row.tracks.some((track) => track.total_bytes > 0),
  );
}

function trackOf(role, contentType, urls = null) {
  return {
    key: urls?.upload ?? crypto.randomUUID(),
    upload: urls?.upload ?? "",
    append_url: urls?.append_url ?? "",
    role,
    content_type: contentType,
    start_ms: 0,
    end_ms: 0,
    total_bytes: 0,
  };
}

async function flushed(sender, asArrived) {
  try {
    await sender.flush();
  } catch (error) {
    if (!(asArrived && error instanceof Refusal)) throw error;
  }
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/* What a store has of each part: [{ name, blob }]. `storeOf(track)` may be asked for nothing. */
export async function filesOf(row, storeOf) {
  const files = [];
  for (const [at, track] of row.tracks.entries()) {
    const blob = await (await storeOf(track))?.whole(track.content_type);
    if (!blob?.size) continue;
    const ending = /\/(\w+)/.exec(track.content_type)?.[1] ?? "webm";
    files.push({ name: `${row.file_name}-${at + 1}-${track.role}.${ending}`, blob });
  }
  return files;
}
