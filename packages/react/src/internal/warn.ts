declare const process: { readonly env: { readonly NODE_ENV?: string } }

const warned = new Set<string>()

/** Whether a page is being developed. */
export const isDevelopment = (): boolean => {
  try {
    return process.env.NODE_ENV !== "production"
  } catch {
    return false
  }
}

/** Writes a warning once, while a page is being developed. Bundlers replace the expression; a page has no `process`. */
export const warnOnce = (message: string): void => {
  try {
    // The expression itself, so that bundlers leave out what follows.
    if (process.env.NODE_ENV === "production" || warned.has(message)) return
  } catch {
    return
  }
  warned.add(message)
  // @effect-diagnostics-next-line globalConsole:off
  console.warn(message) // oxlint-disable-line no-console
}
