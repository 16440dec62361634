// Statuses whose progress was out of range. A server's 101 % must not end a wait, but a 50 that was meant to be percent
// should not go unnoticed.

const clamped = new WeakSet<object>()

/** Whether the progress of a status was out of range. */
export const isClamped = (status: object): boolean => clamped.has(status)

/** Marks a status whose progress was out of range. */
export const markClamped = <S extends object>(status: S): S => {
  clamped.add(status)
  return status
}

/** Marks a copy of a status like the status. */
export const markedLike = <S extends object>(copy: S, status: object): S =>
  clamped.has(status) ? markClamped(copy) : copy

/** A fraction as one from 0 to 1; `undefined` for what is no number. */
export const clamp = (fraction: number): number | undefined => {
  const within = Math.min(1, Math.max(0, fraction))
  return Number.isNaN(within) ? undefined : within
}
