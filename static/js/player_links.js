/* Links to a recording's files live for a while. This fetches fresh ones, and knows when to stop asking. No DOM. */

const LIVE_MS = 15 * 60_000;
const MARGIN_MS = 60_000;
const ASKED_MOST = 2;

/* `fresh()` resolves to
 *   { kind: "fresh", playback }   what the page was given, with new links
 *   { kind: "gone" }              this person may not play it any more, or it is not there
 *   { kind: "signed_out" }
 *   { kind: "later" }             no answer, or asked often enough without anything playing since
 *
 * Gone and signed out hold for whatever fails after: one track's request may be refused long after the other's.
 */
export class Links {
  #url;
  #livesMs;
  #fetch;
  #now;
  #madeAt;
  #asked = 0;
  #refusal = null;
  #underWay = null;

  constructor({ url, durationMs, fetch: ask = (...all) => fetch(...all), now = () => Date.now() }) {
    this.#url = url;
    this.#livesMs = LIVE_MS + durationMs;
    this.#fetch = ask;
    this.#now = now;
    this.#madeAt = now();
  }

  /* So old that the next request may be refused. */
  get isOld() {
    return this.#now() - this.#madeAt > this.#livesMs - MARGIN_MS;
  }

  /* Something plays, so what was fetched is good; or a person wants it asked again. */
  prove() {
    this.#asked = 0;
    this.#refusal = null;
  }

  fresh() {
    this.#underWay ??= this.#ask().finally(() => (this.#underWay = null));
    return this.#underWay;
  }

  /* Says why a file does not come: "old" where its link has run out, "gone", or "later". */
  async reason(src) {
    const answer = await this.#fetch(src, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer?.status === 403) return "old";
    return answer?.status === 404 ? "gone" : "later";
  }

  async #ask() {
    if (this.#refusal) return this.#refusal;
    if (!this.#url || this.#asked >= ASKED_MOST) return { kind: "later" };
    this.#asked += 1;
    const answer = await this.#fetch(this.#url, {
      headers: { Accept: "application/json" },
      cache: "no-store",
      redirect: "manual", // to the sign-in page
    }).catch(() => null);
    if (!answer || answer.status >= 500) return { kind: "later" };
    if (answer.type === "opaqueredirect" || answer.status === 401) return this.#refuse("signed_out");
    const playback = answer.ok ? await answer.json().catch(() => null) : null;
    if (!playback?.sources?.length) return this.#refuse("gone");
    this.#madeAt = this.#now();
    return { kind: "fresh", playback };
  }

  #refuse(kind) {
    return (this.#refusal = { kind });
  }
}
