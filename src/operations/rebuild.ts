import { DomainError } from '../platform/errors';

export const rebuildStatuses = ['running', 'done', 'cancelled', 'failed'] as const;

/** A rebuild of a read model from the event log. Positions are those of the log. */
export interface Rebuild {
  id: string;
  version: number;
  view: string;
  status: (typeof rebuildStatuses)[number];
  target: number;
  checkpoint: number;
  keys: number;
  lastError: string | null;
  startedAt: string;
}

export function rebuildRunning(): DomainError {
  return new DomainError('conflict', 'rebuilds.running', 'This view is being rebuilt already.');
}

export function rebuildNotFound(): DomainError {
  return new DomainError('not-found', 'rebuilds.not-found', 'There is no such rebuild.');
}

/** @throws DomainError `rebuilds.over` for one that is not running any more. */
export function cancelRebuild<State extends Pick<Rebuild, 'status' | 'version'>>(rebuild: State): State {
  if (rebuild.status !== 'running') {
    throw new DomainError('conflict', 'rebuilds.over', 'This rebuild is not running any more.', {
      details: { status: rebuild.status },
    });
  }
  return { ...rebuild, status: 'cancelled', version: rebuild.version + 1 };
}
