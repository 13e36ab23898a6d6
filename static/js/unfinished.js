/* Offers recordings that a crash, a closed page or a lost network left in this browser, on any page.
 *
 * The site's module loads this one where there may be any. A list comes from the server with its words;
 * what cannot be finished there can be saved or deleted. A recording that another page is at work on
 * is left alone, and so are those of other members.
 */

import { clock } from "./clock.js";
import { download } from "./recording_download.js";
import { Refusal } from "./recording_queue.js";
import { Shelf, SliceStore, heldAnswers } from "./recording_store.js";
import { Take, filesOf } from "./recording_take.js";
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
 *   cut         it was finished without the rest
 *   failed      it could not make it playable
 *   gone        it has no such recording
 *   wait        it is making it ready
 *   done        it has made all of it ready
 */
export function standingOf(row, answer) {
  if (answer.kind === "refused") return { verdict: "gone", pendingBytes: 0 };
  const received = answer.uploads ?? {};
  const pendingBytes = row.tracks.reduce(
    (sum, track) => sum + Math.max(0, track.total_bytes - (received[track.upload] ?? 0)),
    0,
  );
  if (answer.kind !== "status" || answer.state === "recording") return { verdict: "unfinished", pendingBytes };
  if (answer.state === "failed") return { verdict: "failed", pendingBytes };
  if (row.state !== "finished" && answer.uploads && pendingBytes) return { verdict: "cut", pendingBytes };
  const isReady = ["ready", "ready_partial"].includes(answer.state);
  return { verdict: isReady ? "done" : "wait", pendingBytes };
}

class List {
  #shelf;
  #transport;
  #root;
  #words;

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

  #add({ row, verdict, pendingBytes }) {
    const line = this.#root.querySelector("[data-part=row]").content.firstElementChild.cloneNode(true);
    const part = (name) => line.querySelector(`[data-part="${name}"]`);
    part("title").textContent = row.title;
    part("facts").textContent = this.#words.say(pendingBytes ? `${verdict}_pending` : verdict, {
      at: new Date(row.started_at).toLocaleString(document.documentElement.lang, {
        dateStyle: "medium",
        timeStyle: "short",
      }),
      length: clock(row.media_ms),
      amount: size(pendingBytes),
    });
    const recorder = recorderOf(row.attempt);
    part("finish").hidden = verdict !== "unfinished";
    part("go-on").hidden = verdict !== "unfinished" || !recorder;
    part("answer").href = row.urls.answer;
    if (recorder) for (const one of document.querySelectorAll("[data-notice=interrupted]")) one.hidden = true;
    part("finish").addEventListener("click", () => this.#finish(row, line));
    part("download").addEventListener("click", () => this.#download(row));
    part("delete").addEventListener("click", () => this.#delete(row, line, verdict === "unfinished"));
    part("go-on").addEventListener("click", () => {
      line.remove();
      this.#closeIfEmpty();
      recorder.dispatchEvent(new CustomEvent("recorder:go-on", { detail: row }));
    });
    this.#root.querySelector("[data-part=list]").append(line);
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
    await take.settle(LONGEST_POLL_MS);
    say("finished");
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
    const reopened = (track) => SliceStore.reopen({ shelf: this.#shelf, track, row });
    await download(await filesOf(row, reopened));
  }

  #delete(row, line, isOnServer) {
    const dialog = this.#root.querySelector("dialog");
    dialog.querySelector("[data-part=ask]").textContent = this.#words.say(isOnServer ? "ask" : "ask_here");
    dialog.returnValue = "";
    dialog.addEventListener(
      "close",
      async () => {
        if (dialog.returnValue !== "delete") return;
        const answer = isOnServer ? await this.#transport.discard(row.urls.discard) : { kind: "discarded" };
        if (answer.kind !== "discarded" && answer.code !== "gone") {
          line.querySelector("[data-part=trouble]").textContent =
            answer.message ?? this.#words.say("not_deleted");
          return;
        }
        await this.#shelf.forget(row);
        line.remove();
        this.#closeIfEmpty();
      },
      { once: true },
    );
    dialog.showModal();
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
