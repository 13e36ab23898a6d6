/* Takes a form with one file over once a file is sent; what sends it is fetched only then.
 *
 * The form works without this module too. A parent with data-resumes-upload is shown only where this
 * browser was sending a file for the same answer.
 */

export function attach(root) {
  const resuming = root.closest("[data-resumes-upload]");
  if (resuming) resuming.hidden = !isBegun(root);
  let uploading = null;
  root.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [file] = root.querySelector("input[type=file]").files;
    if (!file) return;
    uploading ??= import("./uploading.js").then(({ Upload }) => new Upload(root, placeOf(root)));
    try {
      (await uploading).begin(file);
    } catch {
      root.submit(); // as a plain form, then
    }
  });
}

/* Where this browser remembers the files that it was sending for this answer. */
function placeOf(root) {
  return `upload ${root.dataset.beginUrl} `;
}

function isBegun(root) {
  try {
    return Object.keys(localStorage).some((key) => key.startsWith(placeOf(root)));
  } catch {
    return false;
  }
}
