// All built-in plug-ins, in upstream's order. Webhooks and policies will stand before the last one.
import { randomInt } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/client.ts'
import type { Authorization } from '../authorization/authorization.ts'
import type { ObjectReader } from '../object-reader.ts'
import type { AdmissionPlugin } from './admission.ts'
import { certificateSubjectRestriction, createCertificateApproval, createCertificateSigning } from './certificates.ts'
import { createClaimResize } from './claim-resize.ts'
import {
  createDefaultIngressClass, createDefaultStorageClass, createPodTopologyLabels, defaultTolerationSeconds, storageObjectInUseProtection, taintNodesByCondition,
} from './defaults.ts'
import { createLimitRanger } from './limit-ranger.ts'
import { createNamespaceLifecycle } from './namespace-lifecycle.ts'
import { createNodeRestriction } from './node-restriction.ts'
import { createPodResize } from './pod-resize.ts'
import { createPodSecurity } from './pod-security/index.ts'
import { createPriority } from './priority.ts'
import { createResourceQuota } from './resource-quota.ts'
import { createRoleEscalationCheck } from './role-escalation.ts'
import { createRuntimeClass } from './runtime-class.ts'
import { createServiceAccountAdmission } from './service-account.ts'

interface AdmissionOptions {
  reader: ObjectReader
  authorization: Authorization
  clock: Clock
  /** A client of this server with its own rights; called only while requests are answered. */
  client(): Client
}

export const createAdmission = ({ reader, authorization, clock, client }: AdmissionOptions): AdmissionPlugin[] => [
  createRoleEscalationCheck(authorization),
  createNamespaceLifecycle(reader),
  createLimitRanger(reader),
  createServiceAccountAdmission({ reader, clock, randomSuffix }),
  createNodeRestriction({ reader, authorizer: authorization }),
  taintNodesByCondition,
  createPodSecurity(reader),
  createPriority(reader),
  defaultTolerationSeconds,
  createDefaultStorageClass(reader),
  storageObjectInUseProtection,
  createClaimResize(reader),
  createRuntimeClass(reader),
  createCertificateApproval(authorization),
  createCertificateSigning(authorization),
  certificateSubjectRestriction,
  createDefaultIngressClass(reader),
  createPodTopologyLabels(reader),
  createPodResize(reader),
  createResourceQuota({ reader, client, clock }),
]

/** Without vowels and look-alikes, as in all generated names. */
const letters = 'bcdfghjklmnpqrstvwxz2456789'
const randomSuffix = (): string => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('')
