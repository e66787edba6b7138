import type { Pod } from './generated/types.ts'

/** A pod that has finished holds nothing, and never runs again. */
export const isFinished = ({ status }: Pick<Pod, 'status'>): boolean => isTerminalPhase(status?.phase)

export const isTerminalPhase = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed'
