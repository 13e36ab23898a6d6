/* Records an answer: checks the devices, records in slices and sends them meanwhile.
 *
 * The page is in one of these states: setup, ready, recording, paused, sending (recorded, not all
 * is on the server yet), processing, stuck (the server will not have it).
 */

import {
  LoudnessMeter,
  devices,
  obstacle,
  open,
  reasonOf,
  recorderFor,
} from "./recording_devices.js";
import { Page } from "./recording_page.js";
import { MemoryStore, Refusal, Sender } from "./recording_queue.js";
import { MediaClock } from "./recording_time.js";
import { Transport, tokenOfPage } from "./recording_transport.js";

const SLICE_MS = 1_000;
const SPARE_MS = 5_000; // the recording ends itself so long before the server's limit
const POLL_MS = 1_000;
const LONGEST_POLL_MS = 10_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export function attach(root) {
  new Recorder(root).show();
}

class Recorder {
  #root;
  #page;
  #transport;
  #state = "setup";
  #newestCheck = null;
  #stream = null;
  #meter = null;
  #recorder = null;
  #ended = null;
  #clock = new MediaClock();
  #store = new MemoryStore();
  #sender = null;
  #urls = null;
  #wakeLock = null;

  constructor(root) {
    this.#root = root;
    this.#page = new Page(root);
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
    this.#become("setup");
    this.#page.preview(null);
    this.#listen();
    setInterval(() => this.#tick(), 250);
  }

  #listen() {
    const actions = {
      check: () => this.#check(),
      start: () => this.#start(),
      pause: () => this.#recorder.pause(),
      resume: () => this.#recorder.resume(),
      finish: () => this.#finish(),
      discard: () => this.#page.part("discard-dialog").showModal(),
      copy: () => this.#saveCopy(),
    };
    this.#root.addEventListener("click", (event) => {
      actions[event.target.closest("[data-action]")?.dataset.action]?.();
    });
    this.#root.addEventListener("change", () => {
      if (this.#state === "ready") this.#check();
    });
    this.#page.part("discard-dialog").addEventListener("close", ({ target }) => {
      if (target.returnValue === "discard") this.#discard();
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.#isAtRisk()) event.preventDefault();
    });
    window.addEventListener("online", () => this.#sender?.nudge());
    document.addEventListener("visibilitychange", () => this.#stayAwake());
  }

  #isAtRisk() {
    return ["recording", "paused", "sending"].includes(this.#state);
  }

  #become(state) {
    this.#state = state;
    this.#page.state(state);
  }

  // The devices

  async #check() {
    const { role, chosen } = this.#page;
    const check = (this.#newestCheck = Symbol("check"));
    this.#release();
    this.#page.trouble("");
    this.#page.notice("");
    try {
      const stream = await open(role, chosen);
      if (check !== this.#newestCheck) {
        stop(stream);
        return;
      }
      this.#stream = stream;
    } catch (error) {
      if (check !== this.#newestCheck) return;
      this.#become("setup");
      this.#page.trouble(reasonOf(error));
      return;
    }
    for (const track of this.#stream.getTracks()) {
      track.addEventListener("ended", () => this.#lose(track));
    }
    this.#meter = new LoudnessMeter(this.#stream, (level) => this.#page.level(level));
    this.#page.preview(this.#stream, role);
    this.#page.devices(await devices(), this.#stream);
    this.#become("ready");
  }

  /* A device was unplugged. Without the camera the sound goes on; without the microphone there is
   * no answer to record, so that it waits. */
  #lose(track) {
    if (this.#state === "ready") {
      this.#release();
      this.#become("setup");
      this.#page.trouble("missing");
    } else if (track.kind === "video") {
      this.#page.preview(this.#stream, "microphone");
      this.#page.notice("camera_lost");
    } else {
      if (this.#recorder?.state === "recording") this.#recorder.pause();
      this.#page.trouble("microphone_lost");
    }
  }

  #release() {
    this.#meter?.close();
    this.#meter = null;
    stop(this.#stream);
    this.#stream = null;
    this.#page.preview(null);
  }

  // The recording

  async #start() {
    if (this.#state !== "ready") return;
    const { role } = this.#page;
    this.#recorder = recorderFor(this.#stream, role);
    if (!this.#recorder) {
      this.#page.trouble("unsupported");
      return;
    }
    const beginUrl = this.#beginUrl();
    if (!beginUrl) {
      this.#page.trouble("not_begun");
      return;
    }
    this.#page.trouble("");
    const begun = await this.#transport.begin(
      beginUrl,
      role,
      this.#recorder.mimeType,
    );
    if (begun.kind !== "begun") {
      this.#page.trouble(begun.code ?? begun.kind, begun.message);
      return;
    }
    this.#clock.wait(); // what passes until the first picture is no media time
    this.#urls = begun.urls;
    this.#sender = new Sender({
      store: this.#store,
      send: (offset, blob) => this.#transport.append(this.#urls.append_url, offset, blob),
      onChange: () => this.#showSending(),
      mostBytes: Number(this.#root.dataset.chunkBytes),
    });
    this.#page.safety(this.#sender);
    this.#record();
  }

  /* Where a recording begins. In a mock it comes into the page with the prompt. */
  #beginUrl() {
    return this.#root.dataset.beginUrl ?? this.#root.querySelector("[data-begin-url]")?.dataset.beginUrl;
  }

  #record() {
    const recorder = this.#recorder;
    recorder.addEventListener("start", () => this.#go("recording"));
    recorder.addEventListener("resume", () => this.#go("recording"));
    recorder.addEventListener("pause", () => this.#go("paused"));
    recorder.addEventListener("dataavailable", ({ data }) => {
      this.#sender.push(data, this.#clock.ms);
    });
    this.#ended = new Promise((resolve) => recorder.addEventListener("stop", resolve));
    this.#ended.then(() => this.#finish());
    try {
      recorder.start(SLICE_MS);
    } catch {
      this.#page.trouble("unsupported");
    }
  }

  #go(state) {
    if (state === "recording") this.#clock.run();
    else this.#clock.hold();
    this.#become(state);
    this.#stayAwake();
  }

  #tick() {
    if (!this.#clock.isRunning) return;
    this.#page.time(this.#clock.ms);
    const mostMs = Number(this.#root.dataset.mostMinutes) * 60_000 - SPARE_MS;
    if (this.#clock.ms >= mostMs) this.#finish();
  }

  async #stayAwake() {
    if (this.#state !== "recording" || document.visibilityState !== "visible") return;
    this.#wakeLock = await navigator.wakeLock?.request("screen").catch(() => null);
  }

  // The sending

  #showSending() {
    const { state, trouble, refusal } = this.#sender;
    this.#page.safety(this.#sender);
    if (state === "signed_out") this.#page.notice("signed_out");
    else if (state === "waiting") this.#page.notice(trouble === "server_full" ? trouble : "unreachable");
    else if (state === "sending" || state === "idle") this.#page.notice("");
    if (refusal && this.#isAtRisk()) this.#refuse(refusal);
  }

  async #finish() {
    if (!["recording", "paused"].includes(this.#state)) return;
    this.#clock.hold();
    this.#page.time(this.#clock.ms);
    this.#become("sending");
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    await this.#ended;
    this.#release();
    this.#wakeLock?.release();
    try {
      await this.#deliver();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.#state === "discarding") return;
      this.#refuse(error);
      this.#become("stuck");
      return;
    }
    this.#become("processing");
    await this.#awaitProcessing();
    location.assign(this.#root.dataset.attemptUrl);
  }

  /* Sends the rest and closes the recording, as often as it takes. */
  async #deliver() {
    for (;;) {
      await this.#sender.flush();
      const answer = await this.#transport.finish(
        this.#urls.finish_url,
        this.#sender.totalBytes,
        this.#clock.ms,
        this.#clock.pauses,
      );
      if (answer.kind === "finished") return;
      if (answer.kind === "refused") throw new Refusal(answer.code, answer.message);
      if (answer.kind === "elsewhere") {
        this.#sender.resume(answer.offset);
      } else {
        this.#page.notice(answer.kind === "signed_out" ? "signed_out" : "unreachable");
        await sleep(Math.max(POLL_MS, answer.afterMs ?? 0));
      }
    }
  }

  async #awaitProcessing() {
    for (let waited = 0; waited < LONGEST_POLL_MS; waited += POLL_MS) {
      const { state } = await this.#transport.status(this.#urls.status_url);
      if (state === "ready" || state === "failed") return;
      await sleep(POLL_MS);
    }
  }

  /* The server will not have it: what was recorded can still be saved by hand. */
  #refuse(refusal) {
    this.#page.trouble(refusal.code, refusal.message === refusal.code ? "" : refusal.message);
    this.#page.part("copy").hidden = false;
  }

  async #saveCopy() {
    const type = this.#recorder.mimeType;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await this.#store.whole(type));
    link.download = `${this.#root.dataset.fileName}.${/\/(\w+)/.exec(type)?.[1] ?? "webm"}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  async #discard() {
    this.#become("discarding");
    this.#sender.stop();
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    this.#release();
    await this.#transport.discard(this.#urls.discard_url);
    location.assign(this.#root.dataset.attemptUrl);
  }
}
