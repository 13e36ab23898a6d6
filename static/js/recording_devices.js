/* Camera, microphone, screen and what can be recorded with them. No words and no page parts. */

const KEY_FRAME_MS = 2_000;
const SOUND_BITS = 64_000;
const SCREEN_BITS = 800_000;
const SCREEN_PICTURE = { frameRate: { ideal: 8, max: 10 }, width: { max: 1920 }, height: { max: 1080 } };

/* What a camera gives, by the quality that was chosen. */
export const QUALITIES = {
  standard: { width: 640, height: 480, frames: 24, bits: 1_000_000 },
  high: { width: 1280, height: 720, frames: 30, bits: 1_500_000 },
};

/* WebM first: every slice of it can be played at once. Safari's own MP4 is sounder than its WebM. */
const WEBM = {
  camera: ["video/webm;codecs=vp8,opus", "video/webm;codecs=vp9,opus", "video/webm"],
  microphone: ["audio/webm;codecs=opus", "audio/webm", "audio/ogg;codecs=opus"],
  screen: ["video/webm;codecs=vp8", "video/webm;codecs=vp9", "video/webm"],
};
const MP4 = {
  camera: ["video/mp4;codecs=avc1.42E01E,mp4a.40.2", "video/mp4"],
  microphone: ["audio/mp4;codecs=mp4a.40.2", "audio/mp4"],
  screen: ["video/mp4;codecs=avc1.42E01E", "video/mp4"],
};

/* The types to try for a role ("camera", "microphone" or "screen"), the best first. */
export function typesFor(role, { isSafari = isThisSafari(), isSupported = canRecord } = {}) {
  const types = isSafari ? [...MP4[role], ...WEBM[role]] : [...WEBM[role], ...MP4[role]];
  return types.filter(isSupported);
}

function canRecord(type) {
  return MediaRecorder.isTypeSupported(type);
}

function isThisSafari() {
  return /^((?!chrome|android|crios|fxios).)*safari/i.test(navigator.userAgent);
}

/* Why this browser cannot record here at all: "insecure", "unsupported" or "". */
export function obstacle() {
  if (!globalThis.isSecureContext) return "insecure";
  const canAsk = Boolean(navigator.mediaDevices?.getUserMedia);
  return canAsk && globalThis.MediaRecorder ? "" : "unsupported";
}

export function canShareScreen() {
  return Boolean(navigator.mediaDevices?.getDisplayMedia);
}

/* Asks for camera and microphone, or the microphone alone. A chosen device that is gone is
 * replaced by any other. Throws what getUserMedia throws. */
export async function open(role, { camera = "", microphone = "", quality = "standard" } = {}) {
  const { width, height, frames } = QUALITIES[quality] ?? QUALITIES.standard;
  const ask = (cameraId, microphoneId) =>
    navigator.mediaDevices.getUserMedia({
      audio: microphoneId ? { deviceId: { exact: microphoneId } } : true,
      video: role === "camera" && {
        width: { ideal: width },
        height: { ideal: height },
        frameRate: { ideal: frames, max: 30 },
        ...(cameraId ? { deviceId: { exact: cameraId } } : {}),
      },
    });
  try {
    return await ask(camera, microphone);
  } catch (error) {
    if (error.name !== "OverconstrainedError" || !(camera || microphone)) throw error;
    return ask("", "");
  }
}

/* Asks for a screen, a window or a tab, without its sound. Throws what getDisplayMedia throws. */
export function openScreen() {
  return navigator.mediaDevices.getDisplayMedia({ video: SCREEN_PICTURE, audio: false });
}

export function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/* The word for what getUserMedia threw. */
export function reasonOf(error) {
  const reasons = {
    NotAllowedError: "denied",
    SecurityError: "denied",
    NotFoundError: "missing",
    OverconstrainedError: "missing",
    NotReadableError: "taken",
    AbortError: "taken",
  };
  return reasons[error.name] ?? "unsupported";
}

/* The devices by kind, named once the person has agreed. */
export async function devices() {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind) => all.filter((device) => device.kind === kind && device.deviceId);
  return { camera: of("videoinput"), microphone: of("audioinput") };
}

/* The bits a second that a role is recorded with. */
export function bitsFor(role, quality = "standard") {
  if (role === "microphone") return SOUND_BITS;
  if (role === "screen") return SCREEN_BITS;
  return SOUND_BITS + (QUALITIES[quality] ?? QUALITIES.standard).bits;
}

/* A recorder for the stream, with the type it will write; null where none of the types works.
 * What isTypeSupported promises is not always true, so that each is tried. */
export function recorderFor(stream, role, quality = "standard") {
  for (const type of [...typesFor(role), ""]) {
    try {
      return new MediaRecorder(stream, {
        audioBitsPerSecond: SOUND_BITS,
        videoBitsPerSecond: bitsFor(role, quality) - (role === "camera" ? SOUND_BITS : 0),
        ...(type && { mimeType: type }),
        ...(type.includes("mp4") && { videoKeyFrameIntervalDuration: KEY_FRAME_MS }),
      });
    } catch {
      // the next type may do
    }
  }
  return null;
}

/* Measures how loud a stream is, several times a second, as 0 to 1 of what people hear. */
export class LoudnessMeter {
  #context = new AudioContext();
  #source;
  #timer;

  constructor(stream, onLevel) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    const samples = new Float32Array(analyser.fftSize);
    this.#source = this.#context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()));
    this.#source.connect(analyser);
    this.#context.resume();
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      onLevel(loudness(samples));
    }, 100);
  }

  close() {
    clearInterval(this.#timer);
    this.#source.disconnect();
    this.#context.close();
  }
}

/* 0 at -60 dB and below, 1 at full scale: roughly as the ear hears it. */
export function loudness(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, 1 + decibels / 60));
}
