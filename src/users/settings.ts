const settingsFields = ['locale', 'timezone', 'emailNotifications'] as const;
type SettingsField = (typeof settingsFields)[number];

/** The preferences of an account; they exist as long as the account. */
export interface Settings {
  userId: string;
  version: number;
  locale: string;
  timezone: string;
  emailNotifications: boolean;
  updatedAt: string;
}

export type SettingsChanges = { [Field in SettingsField]?: Settings[Field] | undefined };

/** The settings of a new account: the defaults, but for what the registration chose. */
export function defaultSettings(
  userId: string,
  at: string,
  { locale = 'en', timezone = 'UTC' }: Pick<SettingsChanges, 'locale' | 'timezone'> = {},
): Settings {
  return { userId, version: 1, locale, timezone, emailNotifications: true, updatedAt: at };
}

/** The fields that differ after a change; an empty list means that the change has no effect. */
export function changedSettings(settings: Settings, changes: SettingsChanges): SettingsField[] {
  return settingsFields.filter((field) => changes[field] !== undefined && changes[field] !== settings[field]);
}

export function applySettings(settings: Settings, changes: SettingsChanges, at: string): Settings {
  const changed = changedSettings(settings, changes).map((field) => [field, changes[field]]);
  return { ...settings, ...Object.fromEntries(changed), version: settings.version + 1, updatedAt: at };
}
