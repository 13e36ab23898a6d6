/* What a recorder is asked for, in browsers that can more or less. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { bitsFor, recorderFor, typesFor } from "../../static/js/recording_devices.js";

Object.defineProperty(globalThis, "navigator", { value: { userAgent: "Chrome" } });

/* A browser that says it can record these types, and cannot record those. */
function browserWith({ supported, broken = [] }) {
  globalThis.MediaRecorder = class {
    static isTypeSupported(type) {
      return supported.test(type);
    }

    constructor(_stream, options) {
      if (broken.some((type) => options.mimeType?.includes(type))) throw new Error("NotSupportedError");
      this.options = options;
    }
  };
}

test("webm comes first, since every slice of it plays; on Safari its own mp4 does", () => {
  const isSupported = () => true;

  assert.match(typesFor("camera", { isSafari: false, isSupported })[0], /^video\/webm;codecs=vp8/);
  assert.match(typesFor("camera", { isSafari: true, isSupported })[0], /^video\/mp4;codecs=avc1/);
  assert.match(typesFor("microphone", { isSafari: false, isSupported })[0], /^audio\/webm/);
});

test("mp4 gets a key frame every two seconds, else it is written only at the end", () => {
  browserWith({ supported: /mp4/ });
  assert.equal(recorderFor({}, "camera").options.videoKeyFrameIntervalDuration, 2_000);

  browserWith({ supported: /webm/ });
  assert.equal(recorderFor({}, "camera").options.videoKeyFrameIntervalDuration, undefined);
});

test("a type that is promised and does not work gives way to the next", () => {
  browserWith({ supported: /./, broken: ["vp8"] });
  assert.match(recorderFor({}, "camera").options.mimeType, /vp9/);

  browserWith({ supported: /./, broken: ["/"] });
  assert.equal(recorderFor({}, "screen").options.mimeType, undefined);
});

test("each role has its bits", () => {
  browserWith({ supported: /./ });

  assert.equal(bitsFor("camera"), 1_064_000);
  assert.equal(bitsFor("camera", "high"), 1_564_000);
  assert.equal(recorderFor({}, "camera", "high").options.videoBitsPerSecond, 1_500_000);
  assert.equal(recorderFor({}, "screen").options.videoBitsPerSecond, 800_000);
  assert.equal(bitsFor("microphone"), 64_000);
});
