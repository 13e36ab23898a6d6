/* Speaks tus 1.0 to the server for the recorder and the uploader. Knows statuses, not the page. */

const TUS = "1.0.0";
const APPEND_TYPE = "application/offset+octet-stream";
const CODES = { 404: "gone", 410: "gone", 413: "too_large", 415: "no_media" };
const CHECKSUM_MISMATCH = 460;
const TIMEOUT_MS = 20_000;
const SLOWEST_BYTES_A_MS = 16; // 128 kbit/s: a slower piece is given up and sent again
const KEEPALIVE_BYTES = 60_000; // what browsers let a page send that is going away

/* `token` gives the page's CSRF token; `freshToken` fetches a new one, or null when signed out. */
export class Transport {
  constructor({ token, freshToken = async () => null, fetch = globalThis.fetch.bind(globalThis) }) {
    this.token = token;
    this.freshToken = freshToken;
    this.fetch = fetch;
    this.isLeaving = false; // the page goes away: what is small enough may outlive it
  }

  /* Opens an upload: { kind: "begun", urls } or what `outcome` makes of a refusal.
   *
   * `facts` are the upload's metadata; without `length` it is told later. */
  async begin(url, facts, length = null) {
    const response = await this.#ask("POST", url, {
      headers: {
        ...(length === null ? { "Upload-Defer-Length": "1" } : { "Upload-Length": String(length) }),
        "Upload-Metadata": metadata(facts),
      },
    });
    if (response?.status !== 201) return outcome(response);
    return { kind: "begun", urls: await response.json() };
  }

  /* Sends the bytes at the offset, as a Sender wants it. */
  async append(url, offset, blob) {
    const response = await this.#ask("PATCH", url, {
      body: blob,
      headers: {
        "Content-Type": APPEND_TYPE,
        "Upload-Offset": String(offset),
        ...(await checksum(blob)),
      },
      timeoutMs: TIMEOUT_MS + Math.ceil(blob.size / SLOWEST_BYTES_A_MS),
      keepalive: this.isLeaving && blob.size < KEEPALIVE_BYTES,
    });
    if (response?.status !== 204) return outcome(response);
    return { kind: "taken", offset: offsetOf(response) ?? offset + blob.size };
  }

  /* Asks where the bytes go on. */
  async offset(url) {
    const response = await this.#ask("HEAD", url, {});
    if (!response?.ok) return outcome(response);
    return { kind: "elsewhere", offset: offsetOf(response) ?? 0 };
  }

  /* Closes a recording: the lengths and starts of its uploads, its pauses, its captions. */
  async finish(url, facts) {
    const response = await this.#json("POST", url, facts);
    return response?.ok ? { kind: "finished", ...(await response.json()) } : outcome(response);
  }

  async status(url) {
    const response = await this.#ask("GET", url, {});
    return response?.ok ? { kind: "status", ...(await response.json()) } : outcome(response);
  }

  async discard(url) {
    const response = await this.#json("POST", url, {});
    return response?.ok ? { kind: "discarded" } : outcome(response);
  }

  #json(method, url, facts) {
    const headers = { "Content-Type": "application/json" };
    return this.#ask(method, url, { body: JSON.stringify(facts), headers });
  }

  /* Asks once, and once more with a fresh token where the first was turned away: signing in again
   * in another window makes the page's own token stale. Returns null when nobody answered. */
  async #ask(method, url, options) {
    const response = await this.#fetchOnce(method, url, options);
    if (!isTurnedAway(response)) return response;
    const token = await this.freshToken().catch(() => null);
    if (!token) return response;
    this.token = token;
    return this.#fetchOnce(method, url, options);
  }

  async #fetchOnce(method, url, { body, headers = {}, timeoutMs = TIMEOUT_MS, keepalive = false }) {
    try {
      return await this.fetch(url, {
        method,
        body,
        headers: {
          Accept: "application/json",
          "Tus-Resumable": TUS,
          "X-CSRFToken": this.token,
          ...headers,
        },
        credentials: "same-origin",
        redirect: "manual",
        cache: "no-store",
        keepalive,
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      return null;
    }
  }
}

/* Facts as tus writes them: each key with its value in base64, without those that have none. */
export function metadata(facts) {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([key, value]) => `${key} ${base64(new TextEncoder().encode(String(value)))}`)
    .join(",");
}

/* What the bytes must add up to on the server; nothing where the browser cannot reckon it. */
async function checksum(blob) {
  if (!globalThis.crypto?.subtle) return {};
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return { "Upload-Checksum": `sha256 ${base64(new Uint8Array(digest))}` };
}

function base64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function isTurnedAway(response) {
  return response?.type === "opaqueredirect" || response?.status === 401 || response?.status === 403;
}

function offsetOf(response) {
  const text = response.headers.get("Upload-Offset");
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

/* What an answer other than success means for somebody who sends. */
export async function outcome(response) {
  if (!response) return { kind: "later", code: "unreachable" };
  const { status } = response;
  if (isTurnedAway(response)) return { kind: "signed_out" };
  const { code, message, uploads } = await told(response);
  if (code === "still_missing") return { kind: "elsewhere", uploads };
  if (status === 409 && (code ?? "wrong_offset") === "wrong_offset" && offsetOf(response) !== null) {
    return { kind: "elsewhere", offset: offsetOf(response) };
  }
  const isPassing = [408, 423, 425, 429, CHECKSUM_MISMATCH].includes(status);
  if (status >= 500 || isPassing || code === "chunk_too_large") {
    const seconds = Number(response.headers.get("Retry-After"));
    return { kind: "later", code: code ?? "unreachable", message, afterMs: 1000 * (seconds || 0) };
  }
  return { kind: "refused", code: code ?? CODES[status] ?? "refused", message };
}

async function told(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

/* Fetches this page again for its token: null where that leads to the sign-in page. */
export async function tokenOfPage(address = location.href) {
  const response = await fetch(address, { redirect: "manual", cache: "no-store" });
  if (!response.ok) return null;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector("[name=csrfmiddlewaretoken]")?.value ?? null;
}
