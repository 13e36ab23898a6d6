/* Captions by the browser's own speech recognition while one records, for who asked for them.
 *
 * It listens to the microphone by itself, ends whenever it likes, and in most browsers sends the sound to the
 * browser's maker. So it is begun again as long as it is wanted, and where it fails for good it ends with a
 * word and the recording goes on.
 */

const AGAIN_MS = 300;
const MOST_IDLE_STARTS = 6; // in a row, without a word understood
const MOST_LINES = 5000;
const PASSING = new Set(["aborted", "network"]);
const WORDS = {
  "not-allowed": "forbidden",
  "service-not-allowed": "forbidden",
  "language-not-supported": "language",
  network: "unreachable",
};

export class BrowserCaptions {
  #recognition;
  #now;
  #onLine;
  #onEnd;
  #later;
  #isWanted = false;
  #isOn = false;
  #word = "unheard";
  #starts = 0;
  #began = new Map(); // the ms at which each result was first heard, by its place
  #kept = 0;
  #cues = [];

  /* Whether this browser has it. */
  static get isThere() {
    return Boolean(recognitionOf(globalThis));
  }

  /* `now()` tells ms of media time. `onLine(cue)` hears each line, `onEnd(word)` once why there are no more:
   * "forbidden", "unheard", "unreachable" or "language". */
  constructor({
    language,
    now,
    onLine = () => {},
    onEnd = () => {},
    Recognition = recognitionOf(globalThis),
    later = setTimeout,
  }) {
    this.#now = now;
    this.#onLine = onLine;
    this.#onEnd = onEnd;
    this.#later = (...args) => later(...args);
    this.#recognition = new Recognition();
    this.#recognition.lang = language;
    this.#recognition.continuous = true;
    this.#recognition.interimResults = true; // they tell when a line began
    this.#recognition.onresult = (event) => this.#take(event);
    this.#recognition.onerror = ({ error }) => this.#fail(error);
    this.#recognition.onend = () => this.#ended();
  }

  /* What was understood so far: {start_ms, end_ms, text} in order. */
  get cues() {
    return [...this.#cues];
  }

  start() {
    this.#isWanted = true;
    this.#starts = 0;
    this.#begin();
  }

  /* What is still being understood comes in a moment later. */
  stop() {
    this.#isWanted = false;
    if (this.#isOn) this.#recognition.stop();
  }

  #begin() {
    if (!this.#isWanted || this.#isOn) return;
    this.#began.clear();
    this.#kept = 0;
    this.#starts += 1;
    try {
      this.#recognition.start();
      this.#isOn = true;
    } catch {
      this.#ended(); // it has not quite ended yet
    }
  }

  #take({ resultIndex, results }) {
    const nowMs = Math.round(this.#now());
    for (let place = resultIndex; place < results.length; place += 1) {
      if (!this.#began.has(place)) this.#began.set(place, nowMs);
      if (results[place].isFinal && place >= this.#kept) {
        this.#kept = place + 1;
        this.#keep(results[place][0].transcript.trim(), this.#began.get(place), nowMs);
      }
    }
  }

  #keep(text, startMs, endMs) {
    if (!text || this.#cues.length >= MOST_LINES) return;
    this.#starts = 0;
    const before = this.#cues.at(-1)?.end_ms ?? 0;
    const start = Math.max(before, Math.min(startMs, endMs));
    const cue = { start_ms: start, end_ms: Math.max(endMs, start + 1), text };
    this.#cues.push(cue);
    this.#onLine(cue);
  }

  #fail(error) {
    this.#word = WORDS[error] ?? "unheard";
    if (error === "no-speech") this.#starts = 0; // somebody thinks
    else if (!PASSING.has(error)) this.#giveUp();
  }

  #ended() {
    this.#isOn = false;
    if (!this.#isWanted) return;
    if (this.#starts >= MOST_IDLE_STARTS) this.#giveUp();
    else this.#later(() => this.#begin(), AGAIN_MS * Math.max(1, this.#starts));
  }

  #giveUp() {
    if (!this.#isWanted) return;
    this.stop();
    this.#onEnd(this.#word);
  }
}

function recognitionOf(scope) {
  return scope.SpeechRecognition ?? scope.webkitSpeechRecognition;
}
