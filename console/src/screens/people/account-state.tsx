import { texts } from '../../language';
import { Status } from '../../parts/status';

/** Whether an account can be used. */
export function AccountState({ isActive }: { isActive: boolean }) {
  const text = texts.value.people;
  return <Status tone={isActive ? 'good' : 'bad'}>{isActive ? text.active : text.inactive}</Status>;
}
