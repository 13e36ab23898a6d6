/* Records an answer: checks the devices, records in slices and sends them meanwhile.
 *
 * The page is in one of these states: setup, ready, testing (five seconds to try), replay (of these),
 * recording, paused, sending (recorded, not all is on the server yet), processing, stuck (the server
 * will not have it), discarding.
 */

import { BrowserCaptions } from "./recording_captions.js";
import {
  LoudnessMeter,
  bitsFor,
  canShareScreen,
  devices,
  obstacle,
  open,
  openScreen,
  reasonOf,
  recorderFor,
  stop,
} from "./recording_devices.js";
import { download } from "./recording_download.js";
import { Page } from "./recording_page.js";
import { Refusal } from "./recording_queue.js";
import {
  bytesFor,
  freeBytes,
  rememberChoices,
  rememberedChoices,
  testClip,
} from "./recording_setup.js";
import { Shelf } from "./recording_store.js";
import { Take } from "./recording_take.js";
import { Transport, tokenOfPage } from "./recording_transport.js";

const TEST_MS = 5_000;
const SPARE_MS = 5_000; // the recording ends itself so long before the server's limit
const NEAR_MS = 5 * 60_000;
const NEAR_SHORT_MS = 15_000; // of a take that stops after seconds
const REPLACED_MS = 3_000; // a recorder that ends sooner than this after another is not replaced again
const LONGEST_POLL_MS = 10_000;
const AT_WORK = ["recording", "paused"];
const OVER = ["sending", "processing", "stuck", "discarding"];
const HINDRANCES = ["unreachable", "server_full", "signed_out"];

export function attach(root) {
  new Recorder(root).show();
}

class Recorder {
  #root;
  #page;
  #transport;
  #shelf;
  #state = "setup";
  #newestCheck = null;
  #isBusy = false;
  #stream = null;
  #screen = null;
  #meter = null;
  #clip = "";
  #take = null;
  #left = null; // the row of a recording that goes on here
  #captions = null;
  #wakeLock = null;
  #replacedAt = -Infinity;

  constructor(root) {
    this.#root = root;
    this.#page = new Page(root);
    this.#shelf = Shelf.open();
    this.#transport = new Transport({
      token: root.querySelector("[name=csrfmiddlewaretoken]").value,
      freshToken: () => tokenOfPage(),
    });
  }

  show() {
    const problem = obstacle();
    if (problem) {
      this.#page.trouble(problem);
      return;
    }
    this.#page.choose(rememberedChoices());
    this.#page.sharing(false, canShareScreen());
    this.#page.part("captions-field").hidden = !BrowserCaptions.isThere;
    this.#become("setup");
    this.#page.stage({});
    this.#showRoom();
    this.#listen();
    setInterval(() => this.#tick(), 250);
  }

  #listen() {
    const actions = {
      check: () => this.#check(),
      test: () => this.#test(),
      live: () => this.#goLive(),
      share: () => this.#share(),
      start: () => this.#once(() => this.#start()),
      pause: () => this.#take.pause(),
      resume: () => this.#resume(),
      finish: () => this.#finish(),
      again: () => this.#once(() => this.#sendAgain()),
      arrived: () => this.#once(() => this.#close({ asArrived: true })),
      discard: () => this.#page.part("discard-dialog").showModal(),
      copy: async () => download(await this.#take.files()),
    };
    this.#root.addEventListener("click", (event) => {
      actions[event.target.closest("[data-action]")?.dataset.action]?.();
    });
    this.#root.addEventListener("change", ({ target }) => {
      if (!target.closest("[data-part=setup]") || target.dataset.part === "captions") return;
      this.#showRoom();
      if (["ready", "replay"].includes(this.#state)) this.#check();
    });
    this.#root.addEventListener("recorder:go-on", ({ detail }) => this.#goOnWith(detail));
    this.#page.part("discard-dialog").addEventListener("close", ({ target }) => {
      if (target.returnValue === "discard") this.#discard();
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.#isAtRisk() || this.#isRestInPage) event.preventDefault();
    });
    window.addEventListener("pagehide", () => this.#take?.leave());
    window.addEventListener("online", () => this.#take?.nudge());
    document.addEventListener("visibilitychange", () => this.#stayAwake());
    navigator.mediaDevices.addEventListener("devicechange", () => this.#seeDevices());
  }

  get #isAtWork() {
    return AT_WORK.includes(this.#state);
  }

  #isAtRisk() {
    return this.#isAtWork || this.#state === "sending";
  }

  /* What the server was finished without, and no database keeps. */
  get #isRestInPage() {
    return Boolean(this.#take?.missingBytes && this.#take.safety.isInMemory);
  }

  #become(state) {
    this.#state = state;
    this.#page.state(state);
  }

  /* Does one thing at a time: a second press while it is done is none. */
  async #once(what) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await what();
    } finally {
      this.#isBusy = false;
    }
  }

  // The devices

  async #check() {
    const { role, ...chosen } = this.#page.chosen;
    const check = (this.#newestCheck = Symbol("check"));
    const wanted = { ...rememberedChoices(), ...(this.#stream && chosen), quality: chosen.quality };
    this.#release();
    this.#page.trouble("");
    let stream;
    try {
      stream = await open(role, wanted);
    } catch (error) {
      if (check !== this.#newestCheck) return;
      this.#become("setup");
      this.#page.trouble(reasonOf(error));
      return;
    }
    if (check !== this.#newestCheck) {
      stop(stream);
      return;
    }
    this.#use(stream);
    this.#page.devices(await devices(), stream);
    rememberChoices({ role, ...this.#page.chosen });
    this.#become("ready");
  }

  /* Takes a stream as what is seen, heard and recorded. */
  #use(stream) {
    this.#meter?.close();
    this.#stream = stream;
    this.#meter = new LoudnessMeter(stream, (level) =>
      this.#page.level(level, this.#state === "recording"),
    );
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => stream === this.#stream && this.#lose(track));
    }
    const [microphone] = stream.getAudioTracks();
    for (const type of ["mute", "unmute"]) {
      microphone.addEventListener(type, () => this.#page.notice("muted", type === "mute"));
    }
    this.#stage();
  }

  #stage() {
    this.#page.stage({ stream: this.#stream, screen: this.#screen, clip: this.#clip });
  }

  /* A device was unplugged. Without the camera the sound goes on; without the microphone another one
   * takes its place, in a part of its own. */
  #lose(track) {
    if (this.#isAtWork) {
      this.#stage();
      if (track.kind === "video") this.#page.notice("camera_lost");
      else if (this.#state === "recording") this.#replace();
    } else if (["ready", "testing", "replay"].includes(this.#state)) {
      this.#release();
      this.#become("setup");
      this.#page.trouble("missing");
    }
  }

  /* Goes on with whatever devices are there; where none is, waits for one. The person may finish or
   * discard while the browser asks for them: then nothing goes on. */
  async #replace() {
    const { role, quality } = this.#page.chosen;
    if (!this.#isAtWork) return;
    await this.#once(async () => {
      await this.#take.end(role);
      if (!this.#isAtWork) return;
      this.#take.pause();
      const stream = await this.#openInstead(role, quality).catch(() => null);
      if (!this.#isAtWork) {
        stop(stream);
        return;
      }
      if (!stream) {
        this.#page.trouble("microphone_lost");
        return;
      }
      this.#use(stream);
      this.#page.trouble("");
      this.#page.notice("microphone_changed");
      if (this.#take.record(this.#stream, role, quality)) this.#take.resume();
      else this.#page.trouble("unsupported");
    });
  }

  async #openInstead(role, quality) {
    const pictures = this.#stream.getVideoTracks().filter(({ readyState }) => readyState === "live");
    for (const track of this.#stream.getAudioTracks()) track.stop();
    if (role === "camera" && !pictures.length) {
      const stream = await open(role, { quality }).catch(() => null);
      if (stream || !this.#isAtWork) return stream;
    }
    const sound = await open("microphone");
    return new MediaStream([...pictures, ...sound.getAudioTracks()]);
  }

  async #seeDevices() {
    if (["ready", "replay"].includes(this.#state) && this.#stream) {
      this.#page.devices(await devices(), this.#stream);
    } else if (this.#state === "paused" && !this.#take.isRecording(this.#page.role)) {
      this.#replace();
    }
  }

  #release() {
    this.#meter?.close();
    this.#meter = null;
    stop(this.#stream);
    this.#stream = null;
    this.#dropClip();
    this.#stage();
  }

  async #share() {
    if (this.#screen) {
      this.#unshare();
      return;
    }
    let screen;
    try {
      screen = await openScreen();
    } catch {
      return; // the person chose none
    }
    if (this.#screen || OVER.includes(this.#state)) {
      stop(screen);
      return;
    }
    this.#screen = screen;
    screen.getVideoTracks()[0].addEventListener("ended", () => this.#unshare());
    if (this.#state === "recording") this.#take.record(screen, "screen");
    this.#dropClip();
    this.#stage();
    this.#page.sharing(true, true);
  }

  #unshare() {
    this.#take?.end("screen");
    stop(this.#screen);
    this.#screen = null;
    this.#stage();
    this.#page.sharing(false, true);
  }

  async #showRoom() {
    const { role, quality } = this.#page.chosen;
    const needed = bytesFor(Number(this.#root.dataset.minutes), bitsFor(role, quality));
    const { roomBytes = "" } = this.#root.dataset;
    this.#page.room("server", needed, roomBytes === "" ? null : Number(roomBytes));
    this.#page.room("browser", needed, await freeBytes());
  }

  // The test

  async #test() {
    if (!["ready", "replay"].includes(this.#state)) return;
    const { role, quality } = this.#page.chosen;
    this.#dropClip();
    this.#stage();
    const recorder = recorderFor(this.#stream, role, quality);
    if (!recorder) {
      this.#page.trouble("unsupported");
      return;
    }
    this.#become("testing");
    const began = performance.now();
    const left = () => Math.ceil((TEST_MS - (performance.now() - began)) / 1000);
    const timer = setInterval(() => this.#page.countdown(Math.max(0, left())), 100);
    this.#page.countdown(left());
    try {
      const clip = await testClip(recorder, TEST_MS);
      if (this.#state !== "testing") return;
      this.#clip = URL.createObjectURL(clip);
      this.#page.check("test", "good", this.#page.say("tested"));
      this.#become("replay");
      this.#stage();
    } catch {
      if (this.#state === "testing") this.#become("ready");
      this.#page.trouble("unsupported");
    } finally {
      clearInterval(timer);
    }
  }

  #goLive() {
    this.#dropClip();
    this.#stage();
    this.#become("ready");
  }

  #dropClip() {
    if (this.#clip) URL.revokeObjectURL(this.#clip);
    this.#clip = "";
  }

  // The recording

  async #start() {
    if (!["ready", "replay"].includes(this.#state)) return;
    const { role, quality } = this.#page.chosen;
    const recorder = recorderFor(this.#stream, role, quality);
    if (!recorder) {
      this.#page.trouble("unsupported");
      return;
    }
    this.#page.trouble("");
    const { take, refused } = await this.#open(role, recorder.mimeType);
    if (refused) {
      this.#page.trouble(refused.code ?? refused.kind, refused.message);
      return;
    }
    if (!take) return;
    if (this.#state === "setup" || !take.record(this.#stream, role, quality)) {
      await take.discard();
      this.#page.trouble("unsupported");
      return;
    }
    this.#take = take;
    this.#goLive();
    this.#page.notice("goes_on", false);
    if (this.#screen) take.record(this.#screen, "screen");
    this.#caption(take);
    navigator.storage?.persist?.().catch(() => {}); // nothing waits for it: some browsers never answer
  }

  /* Opens the recording on the server, or takes up the one that goes on. */
  async #open(role, contentType) {
    const earlier = this.#left?.cues ?? [];
    const given = {
      shelf: await this.#shelf,
      transport: this.#transport,
      chunkBytes: Number(this.#root.dataset.chunkBytes),
      consent: "yes",
      cues: () => [...earlier, ...(this.#captions?.cues ?? [])],
      onChange: (answer) => this.#follow(answer),
      onEnd: (ended) => this.#seeEnd(ended),
    };
    if (this.#left) {
      const opened = await Take.reopen({ row: this.#left, ...given });
      if (opened.take) this.#left = null;
      return opened;
    }
    const url = this.#beginUrl();
    if (!url) return { refused: { code: "not_begun" } };
    const facts = {
      attempt: /attempts\/([^/]+)/.exec(url)?.[1] ?? "",
      title: this.#root.dataset.title,
      user: document.body.dataset.user,
      file_name: this.#root.dataset.fileName,
      language: document.documentElement.lang,
      answer_url: this.#root.dataset.attemptUrl,
    };
    return Take.begin({ url, role, contentType, facts, ...given });
  }

  /* Where a recording begins. In a mock it comes into the page with the prompt. */
  #beginUrl() {
    return this.#root.dataset.beginUrl ?? this.#root.querySelector("[data-begin-url]")?.dataset.beginUrl;
  }

  /* Another page left this recording unfinished, and it goes on here once the person starts. */
  #goOnWith(row) {
    if (!["setup", "ready", "replay"].includes(this.#state)) return;
    this.#left = row;
    this.#page.fixRole(row.tracks[0].role);
    this.#page.notice("goes_on");
    this.#page.notice("interrupted", false);
    this.#check();
  }

  /* Follows what is so: whether it runs, what is safe and what hinders. */
  #follow(answer = null) {
    const safety = this.#take?.safety;
    if (!safety) return;
    this.#page.safety(safety);
    const hindrance = answer ?? { kind: safety.state, code: safety.trouble };
    this.#page.oneNotice(HINDRANCES, wordOf(hindrance));
    this.#page.notice("in_memory", safety.isInMemory);
    if (safety.refusal && safety.refusal.code !== "stopped" && this.#isAtRisk()) this.#refuse(safety.refusal);
    const { isRunning } = this.#take.clock;
    if (isRunning && ["ready", ...AT_WORK].includes(this.#state)) this.#go("recording");
    else if (!isRunning && this.#state === "recording") this.#go("paused");
  }

  #go(state) {
    if (state === this.#state) return;
    this.#page.time(this.#take.clock.ms);
    this.#become(state);
    this.#stayAwake();
    if (state === "recording") this.#captions?.start();
    else this.#captions?.stop();
    if (state === "recording" && this.#screen && !this.#take.isRecording("screen")) {
      this.#take.record(this.#screen, "screen");
    }
  }

  /* A recorder stopped by itself: its devices ended, or it failed. */
  #seeEnd(role) {
    if (role === "screen") {
      this.#unshare();
    } else if (performance.now() - this.#replacedAt > REPLACED_MS) {
      this.#replacedAt = performance.now();
      this.#replace();
    } else {
      this.#page.trouble("unsupported");
    }
  }

  #resume() {
    const [microphone] = this.#stream.getAudioTracks();
    const isThere = microphone.readyState === "live" && this.#take.isRecording(this.#page.role);
    if (isThere) this.#take.resume();
    else this.#replace();
  }

  #tick() {
    if (!this.#take?.clock.isRunning) return;
    const { ms } = this.#take.clock;
    this.#page.time(ms);
    const leftMs = this.#endMs - ms;
    this.#page.notice("near_end", leftMs < (this.#root.dataset.stopSeconds ? NEAR_SHORT_MS : NEAR_MS));
    if (leftMs <= 0) this.#finish();
  }

  /* Where the recording ends by itself: at the page's own limit, or shortly before the server's. */
  get #endMs() {
    const { stopSeconds, mostMinutes } = this.#root.dataset;
    return stopSeconds ? 1000 * Number(stopSeconds) : 60_000 * Number(mostMinutes) - SPARE_MS;
  }

  async #stayAwake() {
    if (this.#state !== "recording" || document.visibilityState !== "visible") return;
    this.#wakeLock = await navigator.wakeLock?.request("screen").catch(() => null);
  }

  #caption(take) {
    if (!this.#page.wantsCaptions) return;
    this.#captions = new BrowserCaptions({
      language: document.documentElement.lang,
      now: () => take.clock.ms,
      onEnd: () => this.#page.notice("captions_ended"),
    });
  }

  // The end

  async #finish() {
    if (!this.#isAtWork) return;
    this.#captions?.stop();
    this.#become("sending");
    this.#page.time(this.#take.clock.ms);
    await this.#take.end();
    stop(this.#screen);
    this.#screen = null;
    this.#release();
    this.#wakeLock?.release();
    await this.#close();
  }

  async #sendAgain() {
    this.#page.trouble("");
    this.#take.tryAgain();
    await this.#close();
  }

  /* Sends the rest, closes the recording and leads to the answer. */
  async #close(how = {}) {
    this.#become("sending");
    this.#follow();
    try {
      await this.#take.deliver(how);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.#state === "discarding") return;
      this.#refuse(error);
      this.#page.part("arrived").hidden = !this.#take.safety.sentBytes || error.code === "gone";
      this.#become("stuck");
      return;
    }
    this.#become("processing");
    await this.#take.settle(LONGEST_POLL_MS);
    if (this.#isRestInPage) {
      this.#page.trouble("rest_here");
      this.#page.part("copy").hidden = false;
      return;
    }
    location.assign(this.#root.dataset.attemptUrl);
  }

  /* The server will not have it: what was recorded can still be saved by hand. */
  #refuse(refusal) {
    this.#page.trouble(refusal.code, refusal.message === refusal.code ? "" : refusal.message);
    this.#page.part("copy").hidden = false;
  }

  async #discard() {
    this.#captions?.stop();
    this.#become("discarding");
    const answer = await this.#take.discard();
    this.#unshare();
    this.#release();
    if (answer.kind === "discarded" || answer.code === "gone") {
      location.assign(this.#root.dataset.attemptUrl);
      return;
    }
    this.#page.trouble("not_discarded", answer.message);
    this.#become("stuck");
  }
}

function wordOf({ kind, code }) {
  if (kind === "signed_out") return kind;
  if (!["waiting", "later"].includes(kind)) return "";
  return code === "server_full" ? code : "unreachable";
}
