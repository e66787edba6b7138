// The building blocks of table columns.
import type { Container } from '../../generated/types.ts'
import type { KubeObject } from '../../object.ts'
import type { TableColumn } from '../../resource.ts'
import { ageSince } from './duration.ts'

type Cell<T> = TableColumn<T>['cell']

export const text = <T>(name: string, cell: Cell<T>): TableColumn<T> => ({ name, type: 'string', cell })
export const integer = <T>(name: string, cell: Cell<T>): TableColumn<T> => ({ name, type: 'integer', cell })
export const boolean = <T>(name: string, cell: Cell<T>): TableColumn<T> => ({ name, type: 'boolean', cell })
/** Shown with `-o wide` only. */
export const wide = <T>(column: TableColumn<T>): TableColumn<T> => ({ ...column, priority: 1 })

const nameOf = (object: KubeObject) => object.metadata?.name ?? ''

export const nameColumn: TableColumn<KubeObject> = { name: 'Name', type: 'string', format: 'name', cell: nameOf }
export const ageColumn: TableColumn<KubeObject> = text('Age', (object, now) => ageSince(object.metadata?.creationTimestamp, now))

/** For kinds that upstream prints without a handler of their own. */
export const plainColumns: readonly TableColumn<KubeObject>[] = [
  nameColumn,
  { name: 'Created At', type: 'date', cell: (object) => object.metadata?.creationTimestamp ?? null },
]

/** `Name (default)` where `annotation` says so. */
export const defaultableName = (...annotations: string[]): TableColumn<KubeObject> => ({
  ...nameColumn,
  cell: (object) => nameOf(object) + (annotations.some((a) => object.metadata?.annotations?.[a] === 'true') ? ' (default)' : ''),
})

const joined = (containers: readonly Container[] | undefined, read: (c: Container) => string | undefined) => (containers ?? []).map((c) => read(c) ?? '').join(',')

export const containerColumns = <T>(containers: (object: T) => readonly Container[] | undefined): [TableColumn<T>, TableColumn<T>] => [
  text<T>('Containers', (object) => joined(containers(object), (c) => c.name)),
  text<T>('Images', (object) => joined(containers(object), (c) => c.image)),
]

/** The first `max` of a list, and how many more there are. */
export function listWithMore(list: readonly string[], max: number, separator = ','): string {
  const shown = list.slice(0, max).join(separator)
  return list.length > max ? `${shown} + ${list.length - max} more...` : shown
}
