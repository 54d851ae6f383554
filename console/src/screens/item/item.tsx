import { useRoute } from 'preact-iso';
import { format, say, texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { PersonName } from '../../parts/person-name';
import { isMissing } from '../../read';
import { isAdmin, person } from '../../session';
import { useTitle } from '../../title';
import { ItemForm } from './form';
import { Refused } from './refused';
import { Sale } from './sale';
import { type ItemDetail, type OpenItem, useItem } from './use-item';
import './item.css';

/** The item for agents who may not change it. */
function Facts({ item: { price, stock, description } }: { item: ItemDetail }) {
  const text = texts.value.item;
  const { money, number } = format.value;
  return (
    <>
      <p class="quiet">{text.notYours}</p>
      <dl class="facts">
        <dt>{text.fields.price}</dt>
        <dd>{money(price)}</dd>
        <dt>{text.fields.stock}</dt>
        <dd>{stock === null ? text.unlimited : number(stock)}</dd>
        <dt>{text.fields.description}</dt>
        <dd class="description-text">{description ?? '–'}</dd>
      </dl>
    </>
  );
}

function Content({ item, open }: { item: ItemDetail; open: OpenItem }) {
  const text = texts.value.item;
  const { ownerId, createdAt, updatedAt, title } = item;
  const mayEdit = isAdmin.value || ownerId === person.value.id;
  const { value: known } = open.refused;
  return (
    <>
      <h1>{title}</h1>
      <p class="quiet">
        {text.owner}{' '}
        <a href={`/console/people/${ownerId}`}>
          <PersonName id={ownerId} />
        </a>{' '}
        · <a href={`/console/items?owner=${ownerId}`}>{text.theirItems}</a> ·{' '}
        {say(text.created, { time: format.value.time(createdAt) })}
        {updatedAt !== createdAt && ` · ${say(text.lastChange, { time: format.value.time(updatedAt) })}`}
      </p>
      {known && <Refused before={known} after={item} />}
      <Sale item={item} open={open} />
      {mayEdit ? <ItemForm item={item} open={open} /> : <Facts item={item} />}
    </>
  );
}

function ItemOf({ id }: { id: string }) {
  const open = useItem(id);
  const text = texts.value.item;
  useTitle(open.read.data.value?.title);
  return (
    <>
      <p class="title">
        <a href="/console/items">← {text.back}</a>
      </p>
      {isMissing(open.read.error.value) ? (
        <p role="alert">{text.missing}</p>
      ) : (
        <Loaded read={open.read}>{(item) => <Content item={item} open={open} />}</Loaded>
      )}
    </>
  );
}

/** An item: what it says and costs, how many there are, and whether it is on sale. */
export function Item() {
  const { id = '' } = useRoute().params;
  return <ItemOf key={id} id={id} />;
}
