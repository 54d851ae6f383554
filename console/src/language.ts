import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { minorDigits } from '../../src/platform/minor-digits';
import { english } from './texts/english';
import { german } from './texts/german';

/** How the person wants to read: a BCP 47 tag and an IANA time zone. */
const preference = signal({ locale: navigator.language, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone });

const isGerman = computed(() => preference.value.locale.toLowerCase().startsWith('de'));

/** The person's BCP 47 tag. */
export const locale = computed(() => preference.value.locale);

/** The texts of a part of the console in the person's language. Each screen has its own ones, which are loaded with it. */
export function textsOf<Texts>(languages: { english: Texts; german: Texts }): ReadonlySignal<Texts> {
  return computed(() => (isGerman.value ? languages.german : languages.english));
}

/** The texts that all screens share. */
export const texts = textsOf({ english, german });

/** Takes the language and the time zone of an account's settings. */
export function useLanguageOf({ locale, timezone }: { locale: string; timezone: string }): void {
  preference.value = { locale, timezone };
}

effect(() => {
  document.documentElement.lang = isGerman.value ? 'de' : 'en';
});

/** Texts of people stay as they are; numbers, times and money follow the account's locale. */
export const format = computed(() => {
  const { locale, timezone: timeZone } = preference.value;
  const time = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const number = new Intl.NumberFormat(locale);
  return {
    /** @param iso a time in ISO 8601 */
    time: (iso: string) => time.format(new Date(iso)),
    /** @param date a day in UTC, `2026-11-22` */
    day: (date: string) => day.format(new Date(date)),
    number: (value: number) => number.format(value),
    /** @param ago seconds */
    ago(ago: number): string {
      if (ago < 60) return relative.format(-Math.round(ago), 'second');
      if (ago < 3600) return relative.format(-Math.round(ago / 60), 'minute');
      if (ago < 86_400) return relative.format(-Math.round(ago / 3600), 'hour');
      return relative.format(-Math.round(ago / 86_400), 'day');
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
