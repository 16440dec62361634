// Stands here so that names are resolved from this folder.
export const load = (name: string): Promise<unknown> => import(name)
