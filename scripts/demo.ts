// A day at a small shop on a running API: `npm run dev` in one window, `npm run demo` in another.
import { randomBytes } from 'node:crypto';
import { readOptions, readWholeNumber } from './command-line';
import { salesBars, ticketBars } from './dashboards';
import { type Day, need, type Shop } from './demo/day';
import { createRecord, reportFigures } from './demo/figures';
import { describeIncidents, endEarlierIncident, leaveIncidents } from './demo/incidents';
import { openShop } from './demo/morning';
import { orderAtNight } from './demo/night';
import { createPost } from './demo/post';
import { sell, sellLastTeapot } from './demo/sales';
import { endEmails, support } from './demo/support';
import { failOfApi, isOwnDev, readAdmin, signInAsAdmin, url } from './local';
import { changeLocalDatabase } from './local-database';
import { createLagProbe } from './measures';
import { formatTable } from './table';

const usage = `npm run demo -- [--customers N] [--orders N] [--wait] [--no-incidents]

Tells a day at a teapot shop, scene by scene, tells how fast it went, and draws its dashboards.

  --customers N   so many customers (12); 20 accounts a minute can register, so more of them wait
  --orders N      so many orders of each customer (3)
  --wait          at the end, wait until KV can answer reads with a Consistency-Token
  --no-incidents  leaves nothing that is wrong

At the end two things are wrong on purpose, for the console to explain: a document that is late, because a version with a
defect could not make it, and e-mails that a mail server refused. A replay heals both. Only the \`npm run dev\` of this folder gets them: the demo changes its local database.

It uses the \`npm run dev\` of this folder and the first admin in .dev.vars, unless FRONTDESK_URL (or PORT, for this
machine), FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD name others. DEMO_PASSWORD is the password of the people whom it registers (a random one).
The customers follow the links of their e-mails where the \`npm run dev\` of this folder prints them.`;

const { values } = readOptions(usage, {
  options: {
    customers: { type: 'string', default: '12' },
    orders: { type: 'string', default: '3' },
    wait: { type: 'boolean', default: false },
    'no-incidents': { type: 'boolean', default: false },
  },
});
const customerCount = readWholeNumber('--customers', values.customers, usage, 1000);
const ordersEach = readWholeNumber('--orders', values.orders, usage, 1000);
const password = process.env.DEMO_PASSWORD ?? randomBytes(9).toString('base64url');

/** How many e-mails went out, by language. */
async function tellPost({ admin, customers, post, say }: Shop) {
  const emails = await post.all(admin, customers);
  if (emails.length === 0) return;
  const localeOf = new Map(customers.map(({ email, home }) => [email, home.locale]));
  const german = emails.filter(({ to }) => localeOf.get(to)?.startsWith('de')).length;
  say(`The post of the day: ${emails.length} e-mails, ${emails.length - german} in English and ${german} in German.`);
}

/** Both dashboards, which have every event of the day by now. */
async function drawDashboards({ admin, say }: Shop) {
  const { dashboard } = admin.api;
  const tickets = await (await dashboard.tickets.$get()).json();
  const sales = await (await dashboard.sales.$get()).json();
  say(`\nThe support desk\n\n${ticketBars(tickets)}\n\nThe sales\n\n${salesBars(sales)}`);
}

/** The admin's password where `npm run dev` prints it too; elsewhere somebody may read over a shoulder. */
function showAdminPassword(): string {
  const isHere = ['localhost', '127.0.0.1'].includes(new URL(url).hostname);
  return isHere ? readAdmin().password : 'FIRST_ADMIN_PASSWORD, in .dev.vars';
}

function sayWhereToLook({ agents, customers, owner, say }: Shop) {
  const people = [
    ['agent', agents[0]],
    ['seller', owner],
    ['customer', customers[0]],
  ] as const;
  say(`
Sign in at ${url}/console as the admin, the agent or the seller. The API is at ${url}/docs, for customers too,
and \`npm run ops -- tickets list\` is the command line. These people can sign in:
`);
  say(
    formatTable(
      ['role', 'name', 'username', 'password'],
      [
        ['admin', 'the first admin', readAdmin().email, showAdminPassword()],
        ...people.map(([role, person]) => [role, person?.name, person?.email, password]),
      ],
    ),
  );
}

async function tellDay() {
  const admin = await signInAsAdmin();
  const hasIncidents = isOwnDev() && !values['no-incidents'];
  if (isOwnDev()) await endEarlierIncident(admin);
  // This client sends no command, so it has no Consistency-Token, and KV answers its reads.
  const probe = createLagProbe(await signInAsAdmin());
  const { act, done } = createRecord();
  const say = (line: string) => console.log(line);
  const day: Day = { admin, act, probe, post: createPost(), say, password, ordersEach };
  const shop = await openShop(day, customerCount);
  await sell(shop);
  await support(shop);
  await endEmails(shop);
  await sellLastTeapot(shop);
  const night = await orderAtNight(shop);
  await tellPost(shop);
  const lags = await probe.finish();
  const figures = { admin, done, lags, customers: shop.customers, items: shop.items, wait: values.wait };
  await reportFigures(figures);
  await drawDashboards(shop);
  const agent = need(shop.agents[0]).client;
  const incidents = hasIncidents ? await leaveIncidents({ admin, agent }, night, changeLocalDatabase) : undefined;
  sayWhereToLook(shop);
  if (incidents) say(`\n${describeIncidents(incidents, url)}`);
}

await tellDay().catch(failOfApi);
