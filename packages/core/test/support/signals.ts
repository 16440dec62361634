/** A signal that counts its listeners. */
export const countingSignal = () => {
  const controller = new AbortController()
  const { signal } = controller
  const count = { now: 0, most: 0 }
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = ((...args: Parameters<typeof add>) => {
    count.most = Math.max(count.most, ++count.now)
    add(...args)
  }) as never
  signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
    count.now--
    remove(...args)
  }) as never
  return { controller, signal, count }
}
