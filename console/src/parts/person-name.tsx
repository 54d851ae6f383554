import { texts } from '../language';
import { nameOf } from '../people';
import { person } from '../session';

/** The name of an account; what a deleted account leaves has null instead of its id. */
export function PersonName({ id }: { id: string | null }) {
  if (id === null) return <>{texts.value.findPeople.deleted}</>;
  if (id === person.value.id) return <>{person.value.name}</>;
  const name = nameOf(id).value;
  return <>{name === null ? texts.value.findPeople.deleted : (name ?? '…')}</>;
}
