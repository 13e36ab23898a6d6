/* Offers recordings that a crash, a closed page or a lost network left in this browser, on any page.
 *
 * The site's module loads this one where there may be any. A list comes from the server with its words;
 * what cannot be finished there can be saved or deleted. A recording that another page is at work on
 * is left alone, and so are those of other members.
 */

import { clock } from "./clock.js";
import { download } from "./recording_download.js";
import { Refusal } from "./recording_queue.js";
import { Shelf, SliceStore, heldAnswers, holdAnswer } from "./recording_store.js";
import { Take, filesOf, missingOf } from "./recording_take.js";
import { Transport, tokenOfPage } from "./recording_transport.js";
import { size, wordsIn } from "./recording_words.js";

const LONGEST_POLL_MS = 30_000;

/* Shows what the member, by public id, has left here. */
export async function show(user) {
  const shelf = await Shelf.open();
  const transport = new Transport({
    token: document.querySelector("input[name=csrfmiddlewaretoken]").value,
    freshToken: () => tokenOfPage(),
  });
  const held = await heldAnswers();
  const rows = (await shelf.rows()).filter((row) => row.user === user && !held.has(row.attempt));
  const found = [];
  for (const row of rows) {
    const standing = standingOf(row, await transport.status(row.urls.status));
    if (standing.verdict === "done") await shelf.forget(row);
    else if (standing.verdict !== "wait") found.push({ row, ...standing });
  }
  if (found.length) await new List(shelf, transport).show(found);
}

/* What is to be done with a row, by what the server says of its recording:
 *   unfinished  it takes the rest; `pendingBytes` of it are here alone
 *   cut         it was finished without the rest, so that this browser has the only copy of it
 *   failed      it could not make it playable
 *   gone        it has no such recording
 *   wait        it is making it ready
 *   done        it has made all of it ready
 */
export function standingOf(row, answer) {
  if (answer.kind === "refused") return { verdict: "gone", pendingBytes: 0 };
  const pendingBytes = missingOf(row, answer.uploads);
  if (answer.kind !== "status" || answer.state === "recording") return { verdict: "unfinished", pendingBytes };
  if (answer.state === "failed") return { verdict: "failed", pendingBytes };
  if (pendingBytes) return { verdict: "cut", pendingBytes };
  const isReady = ["ready", "ready_partial"].includes(answer.state);
  return { verdict: isReady ? "done" : "wait", pendingBytes };
}

/* Erases what was left, here and where it is unfinished on the server, once `ask(isOnServer)` agrees.
 *
 * Another page may have gone on with it since it was listed: it is asked for, for this page alone,
 * and looked at anew before anything is erased. Returns "deleted", "kept", or what hindered it. */
export async function erase(row, { shelf, transport, ask, hold = holdAnswer }) {
  const release = await hold(row.attempt);
  if (!release) return { code: "elsewhere" };
  try {
    const fresh = await shelf.row(row);
    if (!fresh) return "deleted";
    const { verdict } = standingOf(fresh, await transport.status(fresh.urls.status));
    const isOnServer = verdict === "unfinished";
    if (!(await ask(isOnServer))) return "kept";
    if (isOnServer) {
      const answer = await transport.discard(fresh.urls.discard);
      if (answer.kind !== "discarded" && answer.code !== "gone") {
        return { code: "not_deleted", message: answer.message };
      }
    }
    await shelf.forget(fresh);
    return "deleted";
  } finally {
    release();
  }
}

class List {
  #shelf;
  #transport;
  #root;
  #words;
  #isAsking = false;

  constructor(shelf, transport) {
    this.#shelf = shelf;
    this.#transport = transport;
  }

  async show(found) {
    const recordings = new URL("..", new URL(found[0].row.urls.status, location.href));
    const response = await fetch(new URL("unfinished/", recordings), { redirect: "manual" });
    if (!response.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    this.#root = holder.content.firstElementChild;
    this.#words = wordsIn(this.#root);
    for (const one of found) this.#add(one);
    document.querySelector("main").prepend(this.#root);
  }

  #add(one) {
    const { row, verdict } = one;
    const line = this.#root.querySelector("[data-part=row]").content.firstElementChild.cloneNode(true);
    const part = (name) => line.querySelector(`[data-part="${name}"]`);
    part("title").textContent = row.title;
    part("facts").textContent = this.#facts(one);
    const recorder = recorderOf(row.attempt);
    part("finish").hidden = verdict !== "unfinished";
    part("go-on").hidden = verdict !== "unfinished" || !recorder;
    part("answer").href = row.urls.answer;
    const notices = recorder ? document.querySelectorAll("[data-notice=interrupted]") : [];
    for (const notice of notices) notice.hidden = true;
    part("finish").addEventListener("click", () => this.#finish(row, line));
    part("download").addEventListener("click", () => this.#download(row));
    part("delete").addEventListener("click", () => this.#delete(row, line));
    part("go-on").addEventListener("click", () => {
      line.remove();
      this.#closeIfEmpty();
      recorder.dispatchEvent(new CustomEvent("recorder:go-on", { detail: row }));
    });
    this.#root.querySelector("[data-part=list]").append(line);
  }

  #facts({ row, verdict, pendingBytes }) {
    return this.#words.say(pendingBytes ? `${verdict}_pending` : verdict, {
      at: new Date(row.started_at).toLocaleString(document.documentElement.lang, {
        dateStyle: "medium",
        timeStyle: "short",
      }),
      length: clock(row.media_ms),
      amount: size(pendingBytes),
    });
  }

  async #finish(row, line) {
    const part = (name) => line.querySelector(`[data-part="${name}"]`);
    const say = (word, values) => (part("said").textContent = this.#words.say(word, values));
    const isAtWork = (isIt) => {
      part("actions").hidden = isIt;
      part("working").hidden = !isIt;
    };
    isAtWork(true);
    say("looking");
    const { take, refused } = await Take.reopen({
      row,
      shelf: this.#shelf,
      transport: this.#transport,
      consent: "yes",
      chunkBytes: Number(this.#root.dataset.chunkBytes),
      onChange: (answer) => this.#showSending(answer, take, part("progress"), say),
    });
    if (refused) {
      isAtWork(false);
      part("trouble").textContent = refused.message ?? this.#words.say(wordFor(refused, this.#words));
      return;
    }
    try {
      await take.deliver();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      take.stopSending();
      isAtWork(false);
      part("trouble").textContent = error.message === error.code ? this.#words.say("refused") : error.message;
      return;
    }
    part("progress").value = 1;
    say("making");
    if (take.missingBytes) {
      part("facts").textContent = this.#facts({ row, verdict: "cut", pendingBytes: take.missingBytes });
      for (const name of ["finish", "go-on", "said"]) part(name).hidden = true;
    }
    await take.settle(LONGEST_POLL_MS);
    say("finished");
    part("actions").hidden = !take.missingBytes;
    part("progress").hidden = true;
    part("answer").hidden = false;
    part("answer").focus();
  }

  #showSending(answer, take, bar, say) {
    if (!take) return;
    const { sentBytes, totalBytes, state } = take.safety;
    bar.value = totalBytes ? sentBytes / totalBytes : 0;
    const hindered = answer?.kind ?? state;
    if (hindered === "signed_out") say("signed_out");
    else if (hindered === "waiting" || hindered === "later") say("unreachable");
    else say("sending", { sent: size(sentBytes), total: size(totalBytes) });
  }

  async #download(row) {
    const fresh = (await this.#shelf.row(row)) ?? row;
    const reopened = (track) => SliceStore.reopen({ shelf: this.#shelf, track, row: fresh });
    await download(await filesOf(fresh, reopened));
  }

  async #delete(row, line) {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const ask = (isOnServer) => this.#ask(isOnServer ? "ask" : "ask_here");
    const ended = await erase(row, { shelf: this.#shelf, transport: this.#transport, ask });
    this.#isAsking = false;
    if (ended === "deleted") {
      line.remove();
      this.#closeIfEmpty();
    } else {
      line.querySelector("[data-part=trouble]").textContent =
        ended === "kept" ? "" : (ended.message ?? this.#words.say(ended.code));
    }
  }

  #ask(word) {
    const dialog = this.#root.querySelector("dialog");
    dialog.querySelector("[data-part=ask]").textContent = this.#words.say(word);
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "delete"), { once: true });
    });
  }

  #closeIfEmpty() {
    if (!this.#root.querySelector("[data-part=list]").children.length) this.#root.remove();
  }
}

function recorderOf(attempt) {
  const recorder = document.querySelector("[data-behaviour~=recorder]");
  const place = recorder?.dataset.beginUrl ? recorder : recorder?.querySelector("[data-begin-url]");
  return place?.dataset.beginUrl.includes(attempt) ? recorder : null;
}

function wordFor({ kind, code }, words) {
  if (kind === "later") return "unreachable";
  if (kind === "signed_out") return kind;
  return words.has(code) ? code : "refused";
}
