import { format, say, texts } from '../../language';
import type { ItemDetail } from './use-item';

/** What others changed in an item, in words. */
function changesBetween(before: ItemDetail, after: ItemDetail): string[] {
  const text = texts.value.item;
  const { state } = texts.value.items;
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
    return old === now ? [] : [say(text.changed, { field: title, before: old, after: now })];
  });
}

/** Says that a change was refused, what others changed, and that nothing typed is lost. */
export function Refused({ before, after }: { before: ItemDetail; after: ItemDetail }) {
  const text = texts.value.item;
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
