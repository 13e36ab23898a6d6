/* Shows how loud it is: as bars beside the buttons, and as a running wave where there is no picture. */

const BAR_PX = 3;
const GAP_PX = 3;
const QUIET = 0.18; // of the meter: what a silent room gives

export class LevelBars {
  #root;
  #bars;

  constructor(root) {
    this.#root = root;
    this.#bars = [...root.children];
  }

  show(level) {
    const lit = Math.round(level * this.#bars.length);
    for (const [at, bar] of this.#bars.entries()) bar.classList.toggle("loudness__bar--on", at < lit);
    this.#root.setAttribute("aria-valuenow", String(Math.round(100 * level)));
  }
}

/* The last half minute of sound, newest at the right edge. It takes its colours from its style. */
export class Wave {
  #canvas;
  #levels = [];

  constructor(canvas) {
    this.#canvas = canvas;
  }

  /* Adds what was just heard; `isOn` says that it is recorded. */
  add(level, isOn) {
    this.#levels.push({ level, isOn });
    if (this.#levels.length > 600) this.#levels.splice(0, 300);
    if (this.#canvas.checkVisibility()) this.#draw();
  }

  #draw() {
    const canvas = this.#canvas;
    const scale = globalThis.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(canvas);
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const step = BAR_PX + GAP_PX;
    for (let x = width - BAR_PX, at = this.#levels.length - 1; x >= 0; x -= step, at -= 1) {
      const { level = 0, isOn = false } = this.#levels[at] ?? {};
      const loud = Math.max(0, (level - QUIET) / (1 - QUIET));
      const tall = Math.max(BAR_PX, loud * height);
      pen.fillStyle = isOn ? style.color : style.outlineColor;
      pen.globalAlpha = at < 0 ? 0.25 : 1;
      pen.beginPath();
      pen.roundRect(x, (height - tall) / 2, BAR_PX, tall, BAR_PX / 2);
      pen.fill();
    }
  }
}
