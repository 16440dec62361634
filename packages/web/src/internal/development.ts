import * as Effect from "effect/Effect"

declare const process: { readonly env: { readonly NODE_ENV?: string } }

/** Logs a warning in development builds. Bundlers replace `process.env.NODE_ENV`; a page has no `process`. */
export const warn = (message: () => string): void => {
  try {
    if (process.env.NODE_ENV !== "production") Effect.runFork(Effect.logWarning(message()))
  } catch {
    // Not a development build.
  }
}
