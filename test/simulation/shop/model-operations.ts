import { isOtherVersion, nothing, type Rule, refuse, signedIn } from './rule';
import { put } from './state';

const sameState = <State>(state: State) => state;

/** Which deliveries are dead depends on the world, so the model allows both: that there are some, and that there are none. */
function changeDeadLetters(type: string): Rule {
  return signedIn(
    (_, { payload }) => [
      { events: [`${type} all`], effect: sameState },
      ...(payload.letters === undefined ? [nothing()] : [refuse('dead-letters.not-found')]),
    ],
    'admin',
  );
}

/** The rules of operators. When a rebuild ends depends on the world, so the model allows both. */
export const operationsRules: Readonly<Record<string, Rule>> = {
  ReplayDeadLetters: changeDeadLetters('DeadLettersReplayed'),
  DiscardDeadLetters: changeDeadLetters('DeadLettersDiscarded'),

  StartRebuild: signedIn((state, { payload: { view }, views }, { id }) => {
    if (!views.includes(view)) return refuse('projections.not-found');
    const before = [...state.rebuilds.values()].filter((rebuild) => rebuild.view === view && !rebuild.isCancelled);
    const effect = put('rebuilds', id, { view, isCancelled: false });
    const started = { events: [`RebuildStarted ${id} 1`], result: { id, version: 1 }, effect };
    return before.length === 0 ? started : [started, refuse('rebuilds.running')];
  }, 'admin'),

  RequestProjection: signedIn((_, { payload: { view }, views }, { id }) => {
    if (!views.includes(view)) return refuse('projections.not-found');
    return { events: [`ProjectionRequested ${id} 1`], result: { id, version: 1 }, effect: sameState };
  }, 'admin'),

  CancelRebuild: signedIn((state, request) => {
    const id: string = request.payload.rebuildId;
    const rebuild = state.rebuilds.get(id);
    if (!rebuild) return refuse('rebuilds.not-found');
    const version = rebuild.isCancelled ? 2 : 1;
    if (isOtherVersion(request, version)) return refuse('http.precondition-failed');
    if (rebuild.isCancelled) return refuse('rebuilds.over');
    const effect = put('rebuilds', id, { ...rebuild, isCancelled: true });
    return [{ events: [`RebuildCancelled ${id} 2`], result: { id, version: 2 }, effect }, refuse('rebuilds.over')];
  }, 'admin'),
};
