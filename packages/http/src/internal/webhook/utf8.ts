const { TextDecoder, TextEncoder } = globalThis as unknown as {
  readonly TextDecoder: new (
    label: "utf-8",
    options: { readonly fatal: true }
  ) => {
    readonly decode: (bytes: Uint8Array) => string
  }
  readonly TextEncoder: new () => { readonly encode: (text: string) => Uint8Array }
}

/** Text as UTF-8. */
export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** UTF-8 as text; undefined if it is none. */
export const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
