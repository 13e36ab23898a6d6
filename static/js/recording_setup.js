/* What is settled before a recording: what the person chose last time, the room, a test clip. No DOM. */

const CHOICES = "plumbline.recorder";
const MARGIN = 1.15; // containers and bursts take more than the bits that were asked for

/* What was chosen last time in this browser: role, quality, camera, microphone. */
export function rememberedChoices() {
  try {
    return JSON.parse(localStorage.getItem(CHOICES)) ?? {};
  } catch {
    return {};
  }
}

export function rememberChoices(choices) {
  try {
    localStorage.setItem(CHOICES, JSON.stringify(choices));
  } catch {
    // next time it is chosen anew
  }
}

/* The bytes that so many minutes take at so many bits a second. */
export function bytesFor(minutes, bits) {
  return Math.ceil((minutes * 60 * bits * MARGIN) / 8);
}

/* The bytes that this browser lets the pages of this server keep; null where it does not say. */
export async function freeBytes() {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return Math.max(0, quota - usage);
  } catch {
    return null;
  }
}

/* Records with a recorder that has not started, for so long, and returns what it made. */
export function testClip(recorder, ms) {
  const slices = [];
  recorder.addEventListener("dataavailable", ({ data }) => slices.push(data));
  return new Promise((resolve, reject) => {
    recorder.addEventListener("stop", () => resolve(new Blob(slices, { type: recorder.mimeType })));
    recorder.addEventListener("error", ({ error }) => reject(error ?? new Error("no clip")));
    recorder.start();
    setTimeout(() => recorder.state !== "inactive" && recorder.stop(), ms);
  });
}
