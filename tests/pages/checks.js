/* What a page tells of itself; put into it before its own scripts run. Problems are lines of text. */

window.checks = {
  refused: [],

  /* Returns when the page has attached what it asks for. A module is evaluated once, so importing
   * it again waits for the first time. */
  async settled() {
    const asked = [...document.querySelectorAll("[data-behaviour]")];
    const names = new Set(asked.flatMap((one) => one.dataset.behaviour.split(/\s+/)));
    await Promise.all([...names].map((name) => import(`/static/js/${name}.js`)));
    await document.fonts.ready;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  },

  /* One heading, a title, ids that name one thing, words for pictures and controls. Needs axe. */
  build() {
    const problems = [];
    const start = (one) => one.outerHTML.slice(0, 120);
    const headings = document.querySelectorAll("h1").length;
    if (headings !== 1) problems.push(`${headings} h1`);
    if (!/^\S.* · Plumbline$/.test(document.title)) problems.push(`title: “${document.title}”`);

    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    const twice = new Set(ids.filter((id, place) => ids.indexOf(id) !== place));
    for (const id of twice) problems.push(`id twice: ${id}`);

    const images = "img:not([alt]), svg:not([aria-hidden=true], [role], svg svg)";
    for (const image of document.querySelectorAll(images)) {
      if (image.closest("[aria-hidden=true], [role=group][aria-label]")) continue;
      problems.push(`image without words: ${start(image)}`);
    }

    const controls =
      "button, a[href], summary, select, textarea, iframe, progress, meter, input:not([type=hidden])";
    const reachable = document.querySelector("dialog:modal") ?? document;
    axe.setup(document);
    for (const control of reachable.querySelectorAll(controls)) {
      if (!control.checkVisibility() || axe.commons.text.accessibleText(control).trim()) continue;
      problems.push(`control without a name: ${start(control)}`);
    }
    axe.teardown();
    return problems;
  },

  /* Nothing is wider than the window but what scrolls by itself. */
  width() {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const isInside = (one) =>
      one && (getComputedStyle(one).overflowX !== "visible" || isInside(one.parentElement));
    const wide = [...document.body.querySelectorAll("*")]
      .filter((one) => one.getBoundingClientRect().right > clientWidth + 0.5)
      .filter((one) => !isInside(one.parentElement))
      .map((one) => `${one.localName}.${one.getAttribute("class")}`);
    return [`${scrollWidth} px wide at ${clientWidth}: ${wide.slice(0, 4).join(", ")}`];
  },

  policy() {
    return this.refused;
  },
};

document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
  checks.refused.push(`policy: ${violatedDirective} refused ${blockedURI} ${sample}`),
);
