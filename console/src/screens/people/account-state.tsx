import { Status } from '../../parts/status';
import { texts } from './texts';

/** Whether an account can be used. */
export function AccountState({ isActive }: { isActive: boolean }) {
  const text = texts.value;
  return <Status tone={isActive ? 'good' : 'bad'}>{isActive ? text.active : text.inactive}</Status>;
}
