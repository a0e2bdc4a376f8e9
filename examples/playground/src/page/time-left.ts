/** `about 2 min left` after so many milliseconds for this share of the work; nothing before there is a rate. */
export function timeLeft(elapsed: number, share: number): string {
  if (share < 0.02 || elapsed < 500) return '';
  const seconds = Math.ceil((elapsed / share - elapsed) / 1000);
  if (seconds <= 1) return 'nearly done';
  return seconds < 90 ? `about ${seconds} s left` : `about ${Math.round(seconds / 60)} min left`;
}
