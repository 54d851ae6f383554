import { textFiles } from 'virtual:text-files';
import { computed, signal } from '@preact/signals';
import { minorDigits } from '../../src/platform/minor-digits';
import { time as timeNow } from './clock';
import type { Language, Texts } from './texts/languages';
import type { Counted, Values } from './texts/translation';

interface Preference {
  /** A BCP 47 tag. */
  locale: string;
  /** An IANA time zone. */
  timezone: string;
  texts: Texts;
}

/** How the person wants to read. It is there before the first screen is shown. */
const preference = signal({} as Preference);

/** The texts in the person's language: those that all screens share, and those of each screen under its name. */
export const texts = computed(() => preference.value.texts);

/** The person's BCP 47 tag. */
export const locale = computed(() => preference.value.locale);

const loaded = new Map<string, Promise<Partial<Texts>>>();

function load(address: string): Promise<Partial<Texts>> {
  const known = loaded.get(address) ?? fetch(address).then((response) => response.json() as Promise<Partial<Texts>>);
  loaded.set(address, known);
  // What could not be loaded is tried again.
  known.catch(() => loaded.delete(address));
  return known;
}

/** Which of a language's files the screens have needed so far. */
const needed = new Set<keyof (typeof textFiles)[Language]>(['first']);

async function textsIn(language: Language): Promise<Texts> {
  const parts = await Promise.all([...needed].map((file) => load(textFiles[language][file])));
  // The screens whose texts are missing are not shown before they have asked for them.
  return Object.assign({}, ...parts) as Texts;
}

const languageOf = (locale: string): Language => (locale.toLowerCase().startsWith('de') ? 'de' : 'en');

/** Loads texts that are not needed at first. @throws TypeError when they cannot be loaded */
export async function useMoreTexts(file: 'operators' | 'api'): Promise<void> {
  needed.add(file);
  const { locale } = preference.value;
  const texts = await textsIn(languageOf(locale));
  // Somebody may have chosen another language meanwhile, which has loaded them too.
  if (locale === preference.value.locale) preference.value = { ...preference.value, texts };
}

/** Counts the choices, because the texts of an older one can arrive after those of a newer one. */
let choices = 0;

/** Takes the language and the time zone of an account's settings. @throws TypeError when the texts cannot be loaded */
export async function useLanguageOf({ locale, timezone }: { locale: string; timezone: string }): Promise<void> {
  const language = languageOf(locale);
  const choice = ++choices;
  const texts = await textsIn(language);
  if (choice !== choices) return;
  preference.value = { locale, timezone, texts };
  document.documentElement.lang = language;
}

/** Takes those of the browser, for people who have not signed in yet. @throws TypeError as above */
export async function useLanguageOfBrowser(): Promise<void> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  await useLanguageOf({ locale: navigator.language, timezone: timeZone });
}

/** Fills in what a text leaves open: `say('Order {number}', { number: '1,007' })`. */
export function say<Text extends string>(text: Text, values: Values<Text>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: keyof Values<Text>) => values[name]);
}

/** The text for a count, whose number it says as the person writes numbers. */
export function sayCount(text: Counted, count: number, values: Readonly<Record<string, string>> = {}): string {
  const rule = new Intl.PluralRules(document.documentElement.lang).select(count);
  return say<string>(rule === 'one' ? text.one : text.other, { ...values, count: format.value.number(count) });
}

/** Seconds in the unit in which people say so many. */
function inUnit(seconds: number) {
  const size = Math.abs(seconds);
  if (size < 60) return [Math.round(seconds), 'second'] as const;
  if (size < 3600) return [Math.round(seconds / 60), 'minute'] as const;
  if (size < 86_400) return [Math.round(seconds / 3600), 'hour'] as const;
  return [Math.round(seconds / 86_400), 'day'] as const;
}

/** Texts of people stay as they are; numbers, times and money follow the account's locale. */
export const format = computed(() => {
  const { locale, timezone: timeZone } = preference.value;
  const time = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  const number = new Intl.NumberFormat(locale);
  /** @param seconds how long ago something was; less than 0 for the time to come */
  function ago(seconds: number): string {
    const [count, unit] = inUnit(seconds);
    return relative.format(-count, unit);
  }
  return {
    /** @param iso a time in ISO 8601 */
    time: (iso: string) => time.format(new Date(iso)),
    /** The day of a time, where the person is. @param iso a time in ISO 8601 */
    date: (iso: string) => date.format(new Date(iso)),
    /** @param date a day in UTC, `2026-11-22` */
    day: (date: string) => day.format(new Date(date)),
    number: (value: number) => number.format(value),
    /** @param part of 1 */
    percent: (part: number) => new Intl.NumberFormat(locale, { style: 'percent' }).format(part),
    ago,
    /** In how long a time is; what is overdue is now. @param iso a time in ISO 8601 */
    until: (iso: string) => ago(Math.min(0, (timeNow() - Date.parse(iso)) / 1000)),
    /** How long something takes or waits; less than ten seconds with a tenth. */
    duration(seconds: number): string {
      const [count, unit] = seconds < 10 ? ([Math.round(seconds * 10) / 10, 'second'] as const) : inUnit(seconds);
      return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' }).format(count);
    },
    /** @param money an amount in minor units of its currency */
    money({ amount, currency }: { amount: number; currency: string }): string {
      // The browser's own digits are those of CLDR, which are fewer for some currencies.
      const digits = minorDigits(currency);
      const options = {
        style: 'currency',
        currency,
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      } as const;
      return new Intl.NumberFormat(locale, options).format(amount / 10 ** digits);
    },
  };
});
