/* Typing a transcript: where the time that plays is put. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { withTime } from "../../static/js/transcript.js";

test("a time begins a line of its own, wherever the caret stands", () => {
  const put = (text, caret = text.length) => withTime(text, caret, "1:05");

  assert.deepEqual(put(""), { text: "1:05 ", caret: 5 });
  assert.deepEqual(put("0:10 Hello"), { text: "0:10 Hello\n1:05 ", caret: 16 });
  assert.deepEqual(put("0:10 Hello \n"), { text: "0:10 Hello \n1:05 ", caret: 17 });
  assert.deepEqual(put("0:10 Hello there", 11), { text: "0:10 Hello\n1:05 there", caret: 16 });
  assert.deepEqual(put("0:10 Hello\n2:00 Bye", 10), { text: "0:10 Hello\n1:05 \n2:00 Bye", caret: 16 });
});
