// Set by build.mjs through esbuild's `define`; in a test run the values below stand.
declare const MK8S_VERSION: string | undefined
declare const MK8S_COMMIT: string | undefined
declare const MK8S_BUILD_DATE: string | undefined

export const version = {
  mk8s: typeof MK8S_VERSION === 'string' ? MK8S_VERSION : '0.0.0',
  commit: typeof MK8S_COMMIT === 'string' ? MK8S_COMMIT : '0000000000000000000000000000000000000000',
  buildDate: typeof MK8S_BUILD_DATE === 'string' ? MK8S_BUILD_DATE : '1970-01-01T00:00:00Z',
  /** The API that is served, and what `gitVersion` says. */
  kubernetes: 'v1.36.3',
}

/** As upstream's distributions write theirs: `v1.36.3+mk8s1`. */
export const gitVersion = `${version.kubernetes}+mk8s1`

/** Differs between any two builds. */
export const buildId = `${version.mk8s}-${version.commit}-${version.buildDate}`
