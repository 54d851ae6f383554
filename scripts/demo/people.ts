// Who lives around the teapot shop: names, and the language, the time zone and the address of each home.

/** Where a customer lives, and what an account there has in its settings. */
export interface Home {
  locale: string;
  timezone: string;
  address: { line1: string; postalCode: string; city: string; country: string };
  /** What a customer writes. */
  says: { subject: string; message: string; thanks: string; wish: { subject: string; message: string } };
  /** What an agent answers in the language of the customer. */
  answer: string;
}

const english = {
  says: {
    subject: 'Where is my teapot?',
    message: 'It was shipped, but the parcel has not arrived yet.',
    thanks: 'It has arrived now, but its lid is missing.',
    wish: { subject: 'Can it be a present?', message: 'Please put no bill into the parcel.' },
  },
  answer: 'We have asked the carrier, and it is on its way to you.',
};

const german = {
  says: {
    subject: 'Wo ist meine Teekanne?',
    message: 'Sie wurde versandt, aber das Paket ist noch nicht angekommen.',
    thanks: 'Jetzt ist sie da, aber der Deckel fehlt.',
    wish: { subject: 'Kann es ein Geschenk sein?', message: 'Bitte legen Sie keine Rechnung in das Paket.' },
  },
  answer: 'Wir haben beim Paketdienst nachgefragt: Sie ist unterwegs zu Ihnen.',
};

const homes: readonly Home[] = [
  {
    ...{ locale: 'en-GB', timezone: 'Europe/London', ...english },
    address: { line1: '1 Quay Street', postalCode: 'BS1 4DJ', city: 'Bristol', country: 'GB' },
  },
  {
    ...{ locale: 'de-DE', timezone: 'Europe/Berlin', ...german },
    address: { line1: 'Hafenstraße 1', postalCode: '20457', city: 'Hamburg', country: 'DE' },
  },
  {
    ...{ locale: 'en-US', timezone: 'America/New_York', ...english },
    address: { line1: '1 Harbor Street', postalCode: '02110', city: 'Boston', country: 'US' },
  },
  {
    ...{ locale: 'de-AT', timezone: 'Europe/Vienna', ...german },
    address: { line1: 'Am Kai 1', postalCode: '1010', city: 'Wien', country: 'AT' },
  },
];

const firstNames = [
  'Amina',
  'Bruno',
  'Chidi',
  'Daria',
  'Emre',
  'Fatou',
  'Goran',
  'Hana',
  'Inès',
  'Jonas',
  'Kavya',
  'Liam',
];
const lastNames = ['Abara', 'Bellini', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Gruber', 'Haddad', 'Ito', 'Jansen'];

/** The member of a list at a place, from its beginning again after its end. */
export function pick<Value>(values: readonly Value[], place: number): Value {
  const value = values[place % values.length];
  if (value === undefined) throw new Error('There is nothing to choose from.');
  return value;
}

/** The name and the home of a customer. */
export const customerAt = (place: number) => ({
  name: `${pick(firstNames, place)} ${pick(lastNames, Math.floor(place / firstNames.length + place))}`,
  home: pick(homes, place),
});

/** Who works in the shop: who sells comes first. */
export const staff = [
  { name: 'Olga Petrova', address: 'olga', home: pick(homes, 0) },
  { name: 'Ida Nyström', address: 'ida', home: pick(homes, 0) },
  { name: 'Tom Okafor', address: 'tom', home: pick(homes, 0) },
] as const;
