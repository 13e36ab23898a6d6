/* Sends files with tus-js-client as a stranger's program would: `node tus_client.mjs`, its task as
 * JSON on standard input, what happened as JSON on standard output.
 *
 * The published file is for browsers; only what it asks the network with is ours. */

import { createRequire } from "node:module";
import { openAsBlob } from "node:fs";
import { text } from "node:stream/consumers";

const tus = createRequire(import.meta.url)("../vendor/tus-js-client/tus.min.js");
const MIB = 1024 * 1024;

/* The network: keeps a list of what was asked and told, and may lose an answer on its way. */
class Network {
  constructor(loses = () => false) {
    this.asked = [];
    this.loses = loses;
  }

  getName() {
    return "fetch";
  }

  createRequest(method, url) {
    const headers = {};
    const aborter = new AbortController();
    return {
      getMethod: () => method,
      getURL: () => url,
      setHeader: (name, value) => (headers[name] = value),
      getHeader: (name) => headers[name],
      setProgressHandler: () => {},
      getUnderlyingObject: () => null,
      abort: async () => aborter.abort(),
      send: async (body = null) => {
        const response = await fetch(url, { method, headers, body, signal: aborter.signal });
        const said = await response.text();
        const meant = headers["X-HTTP-Method-Override"] ?? method;
        this.asked.push(`${meant} ${headers["Upload-Offset"] ?? ""} ${response.status}`);
        if (this.loses(meant, headers)) throw new Error("the answer was lost");
        return {
          getStatus: () => response.status,
          getHeader: (name) => response.headers.get(name) ?? undefined,
          getBody: () => said,
          getUnderlyingObject: () => response,
        };
      },
    };
  }
}

/* What a browser would keep of uploads that were begun. */
class Memory {
  rows = new Map();

  async findUploadsByFingerprint(fingerprint) {
    return [...this.rows.values()].filter((row) => row.fingerprint === fingerprint);
  }

  async findAllUploads() {
    return [...this.rows.values()];
  }

  async removeUpload(key) {
    this.rows.delete(key);
  }

  async addUpload(fingerprint, upload) {
    const key = `${fingerprint}:${this.rows.size}`;
    this.rows.set(key, { ...upload, fingerprint, urlStorageKey: key });
    return key;
  }
}

const { attempts, headers, path } = JSON.parse(await text(process.stdin));
const file = await openAsBlob(path, { type: "video/webm" });

/* Starts an upload; returns it, the network it asks by and a promise of its end. */
function start(source, endpoint, options = {}, network = new Network()) {
  let upload;
  const ended = new Promise((resolve) => {
    upload = new tus.Upload(source, {
      endpoint,
      headers,
      chunkSize: MIB,
      retryDelays: [0, 50, 200],
      metadata: { filename: "Übung.webm", filetype: "video/webm" },
      httpStack: network,
      urlStorage: new Memory(),
      fingerprint: async () => "the film",
      onSuccess: () => resolve("sent"),
      onError: (error) => resolve(`failed: ${error}`),
      ...options,
    });
  });
  return { upload, network, ended };
}

const told = {};

async function whole(endpoint) {
  const { upload, network, ended } = start(file, endpoint);
  upload.start();
  told.whole = { end: await ended, url: upload.url, asked: network.asked };
}

async function abortedAndResumed(endpoint) {
  const urlStorage = new Memory();
  const first = start(file, endpoint, {
    urlStorage,
    onChunkComplete: (_size, sent) => sent >= 2 * MIB && first.upload.abort(),
  });
  first.upload.start();
  while (first.network.asked.length < 3) await new Promise((done) => setTimeout(done, 10));
  const second = start(file, endpoint, { urlStorage });
  const [previous] = await second.upload.findPreviousUploads();
  second.upload.resumeFromPreviousUpload(previous);
  second.upload.start();
  told.resumed = { end: await second.ended, url: second.upload.url, asked: second.network.asked };
}

async function streamOfUnknownLength(endpoint) {
  const options = { uploadLengthDeferred: true, overridePatchMethod: true };
  const { upload, network, ended } = start(file.stream().getReader(), endpoint, options);
  upload.start();
  told.stream = { end: await ended, url: upload.url, asked: network.asked };
}

async function lostAnswer(endpoint) {
  let isLost = false;
  const network = new Network((method, sent) => {
    const loses = method === "PATCH" && Number(sent["Upload-Offset"]) === MIB && !isLost;
    isLost ||= loses;
    return loses;
  });
  const { upload, ended } = start(file, endpoint, {}, network);
  upload.start();
  told.lost = { end: await ended, url: upload.url, asked: network.asked };
}

async function terminated(endpoint) {
  const { upload, network } = start(file, endpoint, {
    onChunkComplete: (_size, sent) => sent === MIB && upload.abort(),
  });
  upload.start();
  while (network.asked.length < 2) await new Promise((done) => setTimeout(done, 10));
  await tus.Upload.terminate(upload.url, { headers, httpStack: network, retryDelays: null });
  told.terminated = { url: upload.url, asked: network.asked };
}

async function refused(endpoint) {
  const { upload, network, ended } = start(new Blob(["<!doctype html>".repeat(100_000)]), endpoint);
  upload.start();
  told.refused = { end: await ended, url: upload.url, asked: network.asked };
}

const tasks = [whole, abortedAndResumed, streamOfUnknownLength, lostAnswer, terminated, refused];
for (const [number, task] of tasks.entries()) await task(attempts[number]);
process.stdout.write(JSON.stringify(told));
