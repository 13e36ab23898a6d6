/* Words that a module shows, written in the page so that they can be translated.
 *
 * The page holds <template data-part="words"><p data-word="pending">{seconds} s to send</p>…; each
 * {name} is replaced by a value.
 */

export function wordsIn(root) {
  const template = root.querySelector("template[data-part=words]");
  const words = new Map(
    [...template.content.querySelectorAll("[data-word]")].map((element) => [
      element.dataset.word,
      element.textContent.trim(),
    ]),
  );
  return {
    has: (key) => words.has(key),
    say: (key, values = {}) =>
      (words.get(key) ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole),
  };
}

/* Bytes as people of the page's language read them: 3.4 MB. */
export function size(bytes, language = document.documentElement.lang || "en") {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: units[step],
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: step > 1 ? 1 : 0,
  }).format(bytes / 1000 ** step);
}
