// How a job stands, for those who look at jobs from outside.
import type { Job, JobCondition } from '../../api/generated/types.ts'

export const findCondition = ({ status }: Job, type: string): JobCondition | undefined => status?.conditions?.find((c) => c.type === type && c.status === 'True')

export const isFinished = (job: Job): boolean => findCondition(job, 'Complete') !== undefined || findCondition(job, 'Failed') !== undefined
