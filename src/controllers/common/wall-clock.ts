export const longestSleep = 600_000

/** How many milliseconds to sleep towards a time on the wall: never so long that a clock which is set meanwhile goes unnoticed. */
export const towardsWallTime = (milliseconds: number): number => Math.min(Math.max(0, milliseconds), longestSleep)
