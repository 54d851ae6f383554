import './overview.css';
import { texts } from '../../language';
import { isAdmin } from '../../session';
import { useTitle } from '../../title';
import { Health } from './health';
import { Lags } from './lags';
import { Queues } from './queues';
import { Sales } from './sales';
import { Schedules } from './schedules';
import { Tickets } from './tickets';

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
      {isAdmin.value && (
        <div class="halves">
          <Lags />
          <div>
            <Queues />
            <Schedules />
          </div>
        </div>
      )}
    </>
  );
}
