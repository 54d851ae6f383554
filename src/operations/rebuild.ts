import type { RebuildStatus } from '../cqrs/reading/rebuild-status';
import { operationsErrors } from './errors';

/** A rebuild of a read model from the event log. Positions are those of the log. */
export interface Rebuild {
  id: string;
  version: number;
  view: string;
  status: RebuildStatus;
  target: number;
  checkpoint: number;
  keys: number;
  /** Keys of the view that cannot be projected. */
  failedKeys: number;
  lastError: string | null;
  startedAt: string;
}

/** @throws DomainError `rebuilds.over` for a rebuild that has ended */
export function cancelRebuild<State extends Pick<Rebuild, 'status' | 'version'>>(rebuild: State): State {
  if (rebuild.status !== 'running') throw operationsErrors.rebuildEnded({ status: rebuild.status });
  return { ...rebuild, status: 'cancelled', version: rebuild.version + 1 };
}
