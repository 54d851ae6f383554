import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { useAction } from '../../act';
import { locale, say, texts } from '../../language';
import { readAmount, writeAmount } from '../../money';
import { ProblemNotice } from '../../parts/problem';
import { type Field, fields, type ItemChanges, type ItemDetail, type OpenItem, type Typed, valuesOf } from './use-item';

const mostAmount = 1_000_000_000;

/** What the API is to change; undefined if the price is none. */
function toChanges({ title, price, stock, description }: Typed, { currency }: ItemDetail['price']) {
  const changes: ItemChanges = {};
  if (title !== undefined) changes.title = title;
  if (description !== undefined) changes.description = description.trim() === '' ? null : description;
  if (stock !== undefined) changes.stock = stock.trim() === '' ? null : Number(stock);
  if (price !== undefined) {
    const amount = readAmount(price, currency, locale.value);
    if (amount === undefined || amount > mostAmount) return undefined;
    changes.price = { amount, currency };
  }
  return changes;
}

/** The form for what an item says and costs. */
export function ItemForm({ item, open }: { item: ItemDetail; open: OpenItem }) {
  const text = texts.value.item;
  const id = useId();
  const isSaved = useSignal(false);
  const save = useAction(async (changes: ItemChanges) => {
    isSaved.value = await open.save(changes);
  });
  const { typed } = open;
  const values = { ...valuesOf(item), ...typed };
  const isTyped = Object.keys(typed).length > 0;
  const { currency } = item.price;
  const example = writeAmount({ amount: 1250, currency }, locale.value);
  function submit(event: SubmitEvent) {
    event.preventDefault();
    const changes = toChanges(typed, item.price);
    const { elements } = event.currentTarget as HTMLFormElement;
    const price = elements.namedItem('price') as HTMLInputElement;
    price.setCustomValidity(changes ? '' : say(text.badPrice, { example }));
    if (price.reportValidity() && changes && isTyped) void save.run(changes);
  }
  const field = (name: Field) => ({
    name,
    id: `${id}-${name}`,
    value: values[name],
    'aria-describedby': name === 'price' || name === 'stock' ? `${id}-${name}-hint` : undefined,
    onInput({ currentTarget }: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) {
      isSaved.value = false;
      currentTarget.setCustomValidity('');
      open.type(item, name, currentTarget.value);
    },
  });
  const inputs = {
    title: <input {...field('title')} required maxLength={200} />,
    price: <input {...field('price')} required inputMode="decimal" autocomplete="off" />,
    stock: (
      <input
        {...field('stock')}
        inputMode="numeric"
        pattern="\s*\d{1,9}\s*"
        title={text.stockHint}
        autocomplete="off"
      />
    ),
    description: <textarea {...field('description')} rows={6} maxLength={5000} />,
  };
  const hints: Partial<Record<Field, string>> = { price: say(text.badPrice, { example }), stock: text.stockHint };
  return (
    <form class="item-form" onSubmit={submit}>
      {fields.map((name) => (
        <div key={name} class={name}>
          <label for={`${id}-${name}`}>
            {name === 'price' ? say(text.priceIn, { currency }) : text.fields[name]}
            {typed[name] !== undefined && <span class="edited"> · {text.edited}</span>}
          </label>
          {inputs[name]}
          {hints[name] && (
            <p class="hint" id={`${id}-${name}-hint`}>
              {hints[name]}
            </p>
          )}
        </div>
      ))}
      <div class="ends">
        <ProblemNotice error={save.error.value} />
        <p class="buttons">
          <button type="submit" disabled={!isTyped || save.isRunning.value}>
            {text.save}
          </button>
          {isTyped && (
            <button type="button" onClick={open.discard}>
              {text.discard}
            </button>
          )}
          <span role="status">{isSaved.value && !isTyped && text.saved}</span>
        </p>
      </div>
    </form>
  );
}
