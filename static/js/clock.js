/* A time as people read it: 75 000 ms is 1:15, an hour is 1:00:00. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const padded = [minutes, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return hours ? [hours, ...padded].join(":") : `${minutes}:${padded[1]}`;
}
