declare const process: { readonly env: { readonly NODE_ENV?: string } }

/** Writes a warning while a page is being developed. Bundlers replace the expression; a page itself has no `process`. */
export const warn = (message: () => string): void => {
  try {
    if (process.env.NODE_ENV !== "production") console.warn(message())
  } catch {
    // Not a development build.
  }
}
