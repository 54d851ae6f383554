import { Lags } from './lags';
import { Queues } from './queues';
import { Schedules } from './schedules';

/** The part of the overview that is for operators: how late the read models are, what waits, and what ran. */
export function Machinery() {
  return (
    <div class="halves">
      <Lags />
      <div>
        <Queues />
        <Schedules />
      </div>
    </div>
  );
}
