/* Fills a form's hidden time zone with the browser's, so that sign-up need not ask. */

export function attach(input) {
  if (!input.value) input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
