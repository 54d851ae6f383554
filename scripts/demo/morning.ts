// The morning: the shop opens, and customers register and confirm their addresses.
import { type Day, each, join, need, type Person, type Shop } from './day';
import { customerAt, staff } from './people';
import { tokenIn } from './post';

/** Makes agents of the staff. Only the staff sells, as long as the variable SELLERS does not say otherwise. */
async function hireStaff(day: Day): Promise<Person[]> {
  const people = await each(staff, (member) => join(day, member));
  for (const { id, email, client } of people) {
    await day.act('Change role', () =>
      day.admin.api.users[':id'].role.$post({ param: { id }, json: { role: 'agent' } }),
    );
    // A change of role ends the tokens of the old role.
    await client.signIn(email, day.password);
  }
  return people;
}

/** Follows the link of the welcome e-mail; says whether there was one. */
async function confirmAddress({ act, post }: Day, person: Person): Promise<string | undefined> {
  const welcome = await post.await(person.email, (email) => tokenIn(email) !== undefined);
  const token = welcome && tokenIn(welcome);
  if (!token) return undefined;
  await act('Confirm address', async () => {
    // The answer has no body.
    await person.client.api.auth['email-confirmation'].confirm.$post({ json: { token } });
    return { json: async () => undefined };
  });
  return welcome.subject;
}

function describePost(customers: readonly Person[], subjects: readonly (string | undefined)[]): string {
  const confirmed = subjects.filter((subject) => subject !== undefined);
  if (confirmed.length === 0)
    return 'Their e-mails cannot be read here, so nobody follows a link, and only welcomes and security are mailed.';
  const kinds = [...new Set(confirmed)].map((subject) => {
    return `“${subject}” (${confirmed.filter((other) => other === subject).length})`;
  });
  const [forgetful] = customers.filter((_, index) => subjects[index] === undefined);
  const others = forgetful ? ` ${forgetful.name} does not, and so is mailed about no order.` : '';
  return `Each gets a welcome e-mail in their language. ${confirmed.length} confirm the address with its link: ${kinds.join(', ')}.${others}`;
}

/** Opens the shop. */
export async function openShop(day: Day, customerCount: number): Promise<Shop> {
  const [owner, ...agents] = await hireStaff(day);
  const shop = need(owner);
  const items = await each(Array.from({ length: 10 }), async (_, index) => {
    const price = { amount: 1000 + index * 250, currency: 'EUR' };
    const item = { title: `Teapot No. ${index + 1}`, price, stock: 1000 };
    return need(await day.act('Create item', () => shop.client.api.items.$post({ json: item }))).answer.id;
  });
  const names = agents.map(({ name }) => name).join(' and ');
  day.say(`Morning. The admin makes agents of ${shop.name}, who sells, and of ${names}, who work for the customers.`);
  day.say(`${shop.name} puts ten teapots up for sale.`);
  const customers = await each(Array.from({ length: customerCount }), (_, index) =>
    join(day, { ...customerAt(index), address: `customer${index + 1}` }),
  );
  day.say(`${customers.length} customers register, from ${need(customers[0]).name} on.`);
  const isForgetful = (index: number) => index > 0 && index === customers.length - 1;
  const subjects = await each(customers, async (customer, index) =>
    isForgetful(index) ? undefined : confirmAddress(day, customer),
  );
  day.say(describePost(customers, subjects));
  return { ...day, owner: shop, agents, customers, items };
}
