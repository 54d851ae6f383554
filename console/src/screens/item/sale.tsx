import { useSignal } from '@preact/signals';
import { useAction } from '../../act';
import { say, texts } from '../../language';
import { ActionButton } from '../../parts/action-button';
import { ConfirmedButton } from '../../parts/confirm';
import { isAdmin, person } from '../../session';
import { StateOfItem } from '../items/item-state';
import type { ItemDetail, OpenItem } from './use-item';

/** Whether an item is on sale, and the buttons that change it. */
export function Sale({ item, open }: { item: ItemDetail; open: OpenItem }) {
  const text = texts.value.item;
  const isDone = useSignal(false);
  const set = (isActive: boolean) => async () => {
    isDone.value = false;
    isDone.value = await open.change({ isActive });
  };
  const isMine = item.ownerId === person.value.id;
  const takeOff = useAction(set(false));
  const takeDown = useAction(set(false));
  const putOn = useAction(set(true));
  const { isActive, takenDown } = item;
  // What its owner took off sale, an agent does not put back.
  const canPutOn = !isActive && (isMine || takenDown || isAdmin.value);
  return (
    <section class="panel" aria-label={text.state}>
      <p>
        <StateOfItem item={item} /> {takenDown && <span class="quiet">{text.whatTakenDown}</span>}
      </p>
      <div class="buttons">
        {canPutOn && <ActionButton label={text.putOn} action={putOn} />}
        {isMine && isActive && <ActionButton label={text.takeOff} action={takeOff} />}
        {!isMine && !takenDown && (
          <ConfirmedButton label={text.takeDown} title={say(text.question, { title: item.title })} action={takeDown}>
            <p>{text.takingDown}</p>
          </ConfirmedButton>
        )}
        <span role="status">{isDone.value && text.saved}</span>
      </div>
    </section>
  );
}
