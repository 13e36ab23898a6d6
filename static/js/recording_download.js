/* Hands files to the person as downloads. */

const KEPT_MS = 60_000; // by then the browser has taken the address

/* `files` are { name, blob }; browsers take one after the other, and may ask before the second. */
export async function download(files) {
  for (const { name, blob } of files) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
