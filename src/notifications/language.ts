/** The languages of the texts. */
export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

/** The language of the texts for a locale (BCP 47), and the locale for numbers and times in these texts. */
export interface Speech {
  language: Language;
  locale: string;
}

const fallback: Speech = { language: 'en', locale: 'en' };

/** @param locale any text; for a language without texts, English is spoken, with the numbers and times of English */
export function speechFor(locale: string): Speech {
  const known = orUndefined(() => new Intl.Locale(locale));
  const language = languages.find((each) => each === known?.language);
  // Without its extensions, which could ask for another calendar or other digits than the texts around them have.
  return known === undefined || language === undefined ? fallback : { language, locale: known.baseName };
}

/** What Intl makes; undefined for a text that it does not know. */
function orUndefined<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** A time in the account's zone, with the name of the zone. The runtime may know fewer zones than the settings do: then UTC. */
export function formatTime(ms: number, { locale }: Speech, timezone: string): string {
  const options = {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  } as const;
  const formatIn = (timeZone: string) => new Intl.DateTimeFormat(locale, { ...options, timeZone });
  return (orUndefined(() => formatIn(timezone)) ?? formatIn('UTC')).format(ms);
}

/** From how many minutes on a unit is used, and how many minutes it has; the longest first. */
const units = [
  { unit: 'day', from: 2880, minutes: 1440 },
  { unit: 'hour', from: 120, minutes: 60 },
  { unit: 'minute', from: 0, minutes: 1 },
] as const;

/** How long a link works: days, or hours or minutes where these are few. */
export function formatDuration(minutes: number, { locale }: Speech): string {
  const { unit, minutes: each } = units.find(({ from }) => minutes >= from) ?? units[2];
  const count = Math.floor(minutes / each);
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(count);
}
