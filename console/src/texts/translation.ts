/** Texts in another language: the same ones as in English, or they do not compile. `test/unit/console-texts.test.ts` compares the placeholders. */
export type Translation<English> = English extends string
  ? string
  : { readonly [Name in keyof English]: Translation<English[Name]> };

type PlaceholderOf<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholderOf<Rest>
  : never;

/** What has to be filled in: `{ name: string }` for `Reply to {name}`. */
export type Values<Text extends string> = Readonly<Record<PlaceholderOf<Text>, string>>;

/** A text for one thing and one for all other counts, with the placeholder `{count}`. */
export interface Counted {
  readonly one: string;
  readonly other: string;
}
