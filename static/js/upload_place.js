/* Where this browser remembers the files that it was sending for an answer. */

export function placeOf(root) {
  return `upload ${root.dataset.beginUrl} `;
}
