import { useId } from 'preact/hooks';
import { texts } from '../../language';

/** What a person can choose. */
export interface Values {
  locale: string;
  timezone: string;
  emailNotifications: boolean;
}

const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** A language in its own words. */
export const nameOf = (locale: string) => new Intl.DisplayNames(locale, { type: 'language' }).of(locale) ?? locale;

/** The fields of the settings. */
export function Fields({ values, choose }: { values: Values; choose: (changes: Partial<Values>) => void }) {
  const text = texts.value.me.settings;
  const id = useId();
  return (
    <>
      <label>
        {text.language}
        <select value={values.locale} onChange={({ currentTarget }) => choose({ locale: currentTarget.value })}>
          {[...new Set(['en', 'de', values.locale])].map((locale) => (
            <option key={locale} value={locale} lang={locale}>
              {nameOf(locale)}
            </option>
          ))}
        </select>
      </label>
      <label>
        {text.timezone}
        <input
          list={`${id}-zones`}
          required
          maxLength={64}
          value={values.timezone}
          onInput={({ currentTarget }) => choose({ timezone: currentTarget.value })}
          aria-describedby={`${id}-zone`}
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <p class="quiet hint" id={`${id}-zone`}>
        {text.timezoneHint}
      </p>
      <datalist id={`${id}-zones`}>
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <label class="check">
        <input
          type="checkbox"
          checked={values.emailNotifications}
          onChange={({ currentTarget }) => choose({ emailNotifications: currentTarget.checked })}
          aria-describedby={`${id}-emails`}
        />{' '}
        {text.emails}
      </label>
      <p class="quiet hint" id={`${id}-emails`}>
        {text.emailsHint}
      </p>
    </>
  );
}
