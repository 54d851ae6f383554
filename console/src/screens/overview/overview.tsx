import './overview.css';
import { ErrorBoundary, lazy } from 'preact-iso';
import { texts } from '../../language';
import { operators } from '../../operators';
import { isAdmin } from '../../session';
import { useTitle } from '../../title';
import { Health } from './health';
import { Sales } from './sales';
import { Tickets } from './tickets';

const Machinery = lazy(() => operators().then(({ Machinery }) => Machinery));

/** What is wrong, how the shop does, and for operators how the machinery does. */
export function Overview() {
  useTitle(texts.value.sections.overview);
  return (
    <>
      <h1>{texts.value.sections.overview}</h1>
      <Health />
      <div class="halves">
        <Tickets />
        <Sales />
      </div>
      <ErrorBoundary>{isAdmin.value && <Machinery />}</ErrorBoundary>
    </>
  );
}
