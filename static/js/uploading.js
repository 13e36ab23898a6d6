/* Sends a chosen file in pieces, with progress, and goes on where it was after an interruption.
 * Its length is known, so that the server finishes the recording with the last byte.
 */

import { clock } from "./clock.js";
import { FileStore, Refusal, Sender } from "./recording_queue.js";
import { Rate } from "./recording_time.js";
import { Transport, tokenOfPage } from "./recording_transport.js";
import { size, wordsIn } from "./recording_words.js";

const USELESS = ["no_media", "too_large", "empty"]; // what the server refuses whole
const ENDED = ["gone", "not_recording"]; // another window discarded or finished it

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Upload {
  #root;
  #words;
  #transport;
  #sender = null;
  #urls = null;
  #rate = null;
  #isBusy = false;
  #memory;

  /* `place` is where this browser remembers what it was sending for this answer. */
  constructor(root, place) {
    this.#root = root;
    this.#memory = new Memory(place);
    this.#words = wordsIn(root);
    this.#transport = new Transport({
      token: root.querySelector("[name=csrfmiddlewaretoken]").value,
      freshToken: () => tokenOfPage(),
    });
    this.#part("cancel").addEventListener("click", () => this.#cancel());
    this.#part("go-on").addEventListener("click", () => this.begin(this.#file));
    this.#part("discard").addEventListener("click", () => this.#discard());
    window.addEventListener("online", () => this.#sender?.nudge());
    window.addEventListener("beforeunload", (event) => {
      if (this.#sender) event.preventDefault();
    });
  }

  get #input() {
    return this.#root.querySelector("input[type=file]");
  }

  get #file() {
    return this.#input.files[0];
  }

  #part(name) {
    return this.#root.querySelector(`[data-part="${name}"]`);
  }

  async begin(file) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.#send(file);
    } finally {
      this.#isBusy = false;
    }
  }

  async #send(file) {
    if (!file) return this.#input.focus();
    const most = Number(this.#root.dataset.mostBytes);
    if (file.size === 0) return this.#trouble("empty");
    if (most && file.size > most) return this.#trouble("too_large");
    this.#show(true);
    const offset = (await this.#takeUp(file)) ?? (await this.#open(file));
    if (offset === null) return;
    this.#sender = new Sender({
      store: new FileStore(file),
      send: (from, blob) => this.#transport.append(this.#urls.append_url, from, blob),
      where: () => this.#transport.offset(this.#urls.append_url),
      onChange: () => this.#showSending(),
      totalBytes: file.size,
      sentBytes: offset,
      mostBytes: Number(this.#root.dataset.chunkBytes) || undefined,
    });
    this.#rate = new Rate();
    this.#showSending();
    try {
      await this.#deliver();
    } catch (error) {
      const sentBytes = this.#sender?.sentBytes;
      this.#sender = null;
      if (!(error instanceof Refusal)) throw error;
      if (error.code !== "stopped") this.#refuse(file, error, sentBytes);
      return;
    }
    this.#sender = null;
    this.#memory.forget(file);
    location.assign(this.#root.dataset.attemptUrl);
  }

  /* Opens a recording for the file; null where the server will not have it. */
  async #open(file) {
    const url = this.#root.dataset.beginUrl;
    const facts = { role: "upload", filetype: file.type, filename: file.name };
    const begun = await this.#transport.begin(url, facts, file.size);
    if (begun.kind !== "begun") {
      this.#show(false);
      this.#trouble(begun.kind === "refused" ? begun.code : `${begun.kind}_at_first`, begun.message);
      return null;
    }
    this.#urls = begun.urls;
    this.#memory.keep(file, begun.urls);
    return 0;
  }

  /* Returns the offset at which an earlier sending of this very file ended; null if there is none. */
  async #takeUp(file) {
    this.#urls = this.#memory.find(file);
    if (!this.#urls) return null;
    const { kind, offset } = await this.#transport.offset(this.#urls.append_url);
    if (kind === "elsewhere" && offset <= file.size) return offset;
    this.#memory.forget(file);
    return null;
  }

  async #deliver() {
    for (;;) {
      await this.#sender.flush();
      const uploads = { [this.#urls.upload]: this.#sender.totalBytes };
      const answer = await this.#transport.finish(this.#urls.finish_url, { uploads });
      if (answer.kind === "finished") return;
      if (answer.kind === "refused") throw new Refusal(answer.code, answer.message);
      if (answer.kind === "elsewhere") this.#sender.resume(answer.uploads?.[this.#urls.upload]);
      else await sleep(Math.max(2_000, answer.afterMs ?? 0));
    }
  }

  async #cancel() {
    this.#sender?.stop();
    this.#sender = null;
    this.#show(false);
    if (this.#file) this.#memory.forget(this.#file);
    if (this.#urls) await this.#transport.discard(this.#urls.discard_url);
    this.#urls = null;
  }

  /* What arrived stays on the server, and is remembered here, unless the file can never be of use. */
  #refuse(file, { code, message }, sentBytes) {
    const isUseless = sentBytes === 0 && USELESS.includes(code);
    if (isUseless || ENDED.includes(code)) this.#memory.forget(file);
    this.#show(false);
    this.#trouble(code, message === code ? "" : message, "refused_midway");
    if (isUseless) this.#transport.discard(this.#urls.discard_url);
    if (isUseless || ENDED.includes(code)) return;
    this.#part("refused").hidden = false;
    this.#part("go-on").focus();
  }

  /* The person gives up what arrived. */
  async #discard() {
    if (this.#isBusy || !this.#urls) return;
    const answer = await this.#transport.discard(this.#urls.discard_url);
    if (answer.kind !== "discarded" && answer.code !== "gone") {
      this.#trouble("not_discarded", answer.message);
      return;
    }
    this.#memory.forgetUrls(this.#urls);
    this.#urls = null;
    this.#part("refused").hidden = true;
    this.#part("trouble").hidden = true;
    this.#input.focus();
  }

  #showSending() {
    if (!this.#sender) return;
    const { sentBytes, totalBytes, state } = this.#sender;
    const rate = this.#rate.note(sentBytes, totalBytes);
    const hindered = { waiting: "unreachable", signed_out: "signed_out" }[state];
    this.#part("progress").value = sentBytes / totalBytes;
    this.#part("sent").textContent = this.#words.say(hindered ?? (rate ? "sent_at" : "sent"), {
      sent: size(sentBytes),
      total: size(totalBytes),
      rate: size(rate?.bytesASecond ?? 0),
      left: clock((rate?.leftMs ?? 0) + 999),
    });
  }

  #show(isSending) {
    this.#part("sending").hidden = !isSending;
    this.#part("refused").hidden = true;
    this.#input.disabled = isSending;
    for (const button of this.#root.querySelectorAll("button:not([type=button])")) {
      button.hidden = isSending;
    }
    if (isSending) {
      this.#part("progress").removeAttribute("value");
      this.#part("sent").textContent = "";
      this.#part("trouble").hidden = true;
      this.#part("cancel").focus();
    }
  }

  #trouble(code, message = "", otherwise = "refused") {
    const word = this.#words.has(code) ? code : otherwise;
    this.#part("trouble").textContent = message || this.#words.say(word);
    this.#part("trouble").hidden = false;
  }
}

/* Remembers in this browser which file was being sent where, so that it can go on after a reload. */
class Memory {
  #place;

  constructor(place) {
    this.#place = place;
  }

  keep(file, urls) {
    try {
      localStorage.setItem(this.#keyOf(file), JSON.stringify(urls));
    } catch {
      // a full or forbidden storage only costs the going-on
    }
  }

  find(file) {
    try {
      return JSON.parse(localStorage.getItem(this.#keyOf(file)));
    } catch {
      return null;
    }
  }

  forget(file) {
    try {
      localStorage.removeItem(this.#keyOf(file));
    } catch {
      // nothing was kept
    }
  }

  /* The file that was sent there need not be chosen any more. */
  forgetUrls({ upload }) {
    try {
      for (const [key, value] of Object.entries(localStorage)) {
        if (key.startsWith(this.#place) && JSON.parse(value).upload === upload) localStorage.removeItem(key);
      }
    } catch {
      // nothing was kept
    }
  }

  #keyOf({ name, size: bytes, lastModified }) {
    return `${this.#place}${bytes} ${lastModified} ${name}`;
  }
}
