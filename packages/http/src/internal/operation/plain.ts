/** A word without its case and its separators: `in_progress` and `InProgress` are the same. */
export const plain = (word: string): string => word.toLowerCase().replace(/[\s_.:-]/g, "")
