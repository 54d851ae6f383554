import { format } from '../../language';
import { texts as listTexts } from '../items/texts';
import { texts } from './texts';
import type { ItemDetail } from './use-item';

/** What others changed in an item, in words. */
function changesBetween(before: ItemDetail, after: ItemDetail): string[] {
  const text = texts.value;
  const { state } = listTexts.value;
  const { money, number } = format.value;
  const stock = (pieces: number | null) => (pieces === null ? text.unlimited : number(pieces));
  const onSale = ({ takenDown, isActive }: ItemDetail) =>
    takenDown ? state.takenDown : isActive ? state.on : state.off;
  const shown = (item: ItemDetail) => [
    [text.fields.title, item.title],
    [text.fields.price, money(item.price)],
    [text.fields.stock, stock(item.stock)],
    [text.fields.description, item.description ?? '–'],
    [text.state, onSale(item)],
  ];
  const then = shown(before);
  return shown(after).flatMap(([title = '', now = ''], index) => {
    const old = then[index]?.[1] ?? '';
    return old === now ? [] : [text.changed(title, old, now)];
  });
}

/** Says that a change was refused, what others changed, and that nothing typed is lost. */
export function Refused({ before, after }: { before: ItemDetail; after: ItemDetail }) {
  const text = texts.value;
  const changes = changesBetween(before, after);
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{text.refused}</strong>
      </p>
      {changes.length === 0 ? (
        <p>{text.reading}</p>
      ) : (
        <ul>
          {changes.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
      <p>{text.kept}</p>
    </div>
  );
}
