/* Camera, microphone and what can be recorded with them. No words and no page parts. */

const KEY_FRAME_MS = 2_000;
const BITS = { videoBitsPerSecond: 1_000_000, audioBitsPerSecond: 64_000 };
const PICTURE = {
  width: { ideal: 640 },
  height: { ideal: 480 },
  frameRate: { ideal: 24, max: 30 },
};

/* WebM first: every slice of it can be played at once. Safari's own MP4 is sounder than its WebM. */
const WEBM = {
  camera: ["video/webm;codecs=vp8,opus", "video/webm;codecs=vp9,opus", "video/webm"],
  microphone: ["audio/webm;codecs=opus", "audio/webm", "audio/ogg;codecs=opus"],
};
const MP4 = {
  camera: ["video/mp4;codecs=avc1.42E01E,mp4a.40.2", "video/mp4"],
  microphone: ["audio/mp4;codecs=mp4a.40.2", "audio/mp4"],
};

/* The types to try for a role ("camera" or "microphone"), the best first. */
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

/* Asks for camera and microphone, or the microphone alone. A chosen device that is gone is
 * replaced by any other. Throws what getUserMedia throws. */
export async function open(role, { camera = "", microphone = "" } = {}) {
  const ask = (cameraId, microphoneId) =>
    navigator.mediaDevices.getUserMedia({
      audio: microphoneId ? { deviceId: { exact: microphoneId } } : true,
      video: role === "camera" && {
        ...PICTURE,
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

/* A recorder for the stream, with the type it will write; null where none of the types works.
 * What isTypeSupported promises is not always true, so that each is tried. */
export function recorderFor(stream, role) {
  for (const type of [...typesFor(role), ""]) {
    try {
      const isMp4 = type.includes("mp4");
      return new MediaRecorder(stream, {
        ...BITS,
        ...(type && { mimeType: type }),
        ...(isMp4 && { videoKeyFrameIntervalDuration: KEY_FRAME_MS }),
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
