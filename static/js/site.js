/* Finds what asks for a behaviour and attaches it, now and after each htmx swap.
 *
 * The table imports each module by a literal path: the static storage rewrites exactly that form to
 * the hashed file (in comments too, so none stands here), and a module is fetched only on a page that
 * uses it and is cached for good. A template string would not be rewritten.
 */

const modules = {
  ask_why: () => import("./ask_why.js"),
  chosen: () => import("./chosen.js"),
  copy: () => import("./copy.js"),
  count: () => import("./count.js"),
  countdown: () => import("./countdown.js"),
  dialog: () => import("./dialog.js"),
  grading: () => import("./grading.js"),
  live_grading: () => import("./live_grading.js"),
  player: () => import("./player.js"),
  print_kit: () => import("./print_kit.js"),
  recorder: () => import("./recorder.js"),
  session: () => import("./session.js"),
  submit_once: () => import("./submit_once.js"),
  time_fields: () => import("./time_fields.js"),
  time_zone: () => import("./time_zone.js"),
  training: () => import("./training.js"),
  transcript: () => import("./transcript.js"),
  turn_clock: () => import("./turn_clock.js"),
  unsaved: () => import("./unsaved.js"),
  upload: () => import("./upload.js"),
  week_grid: () => import("./week_grid.js"),
};

const attached = new WeakMap();

async function attach(element) {
  for (const name of element.dataset.behaviour.split(/\s+/)) {
    const names = attached.get(element) ?? new Set();
    if (names.has(name)) continue;
    attached.set(element, names.add(name));
    if (!Object.hasOwn(modules, name)) {
      console.error(`No behaviour is called “${name}”.`);
      continue;
    }
    const behaviour = await modules[name]();
    if (element.isConnected) behaviour.attach(element);
  }
}

/* What is folded away under data-later is fetched once it is unfolded. */
const later = "details[data-later]:not([open])";

function attachWithin(root) {
  if (root.matches?.("[data-behaviour]")) attach(root);
  for (const element of root.querySelectorAll("[data-behaviour]")) {
    if (!element.closest(later)) attach(element);
  }
}

document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.open && target.matches("details[data-later]")) attachWithin(target);
  },
  true,
);

/* An open menu closes on Escape and on a click elsewhere. */
function closeMenus(isLeft) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (isLeft(menu)) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeMenus((menu) => !menu.contains(event.target)));
document.addEventListener("focusin", (event) => closeMenus((menu) => !menu.contains(event.target)));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  closeMenus((menu) => {
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    return true;
  });
});

/* htmx sends the token that the page's own forms carry. */
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token.value;
});

/* What a crash left in this browser is offered to its member on any page. */
async function showUnfinished() {
  const { user } = document.body.dataset;
  try {
    if (!user || !localStorage.getItem("plumbline.unfinished")) return;
  } catch {
    return; // a browser that keeps nothing has nothing to offer
  }
  const { show } = await import("./unfinished.js");
  await show(user);
}

document.addEventListener("htmx:load", (event) => attachWithin(event.detail.elt));
document.addEventListener("htmx:afterSwap", () => attachWithin(document));
attachWithin(document);
showUnfinished();
