// Written by hand, so that compiling does not need the package.
declare module "swr" {
  export interface Configuration<Data> {
    /** A number of milliseconds, or a function of the latest data; 0: no further request. */
    readonly refreshInterval?: number | ((latest: Data | undefined) => number)
    readonly refreshWhenHidden?: boolean
    readonly dedupingInterval?: number
  }
  export default function useSWR<Data>(
    key: string,
    fetcher: (key: string) => Promise<Data>,
    configuration?: Configuration<Data>
  ): { readonly data: Data | undefined }
}
