import type { ComponentChildren } from 'preact';

/** A few figures beside each other. */
export function Figures({ figures }: { figures: readonly (readonly [name: string, figure: ComponentChildren])[] }) {
  return (
    <dl class="figures">
      {figures.map(([name, figure]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{figure}</dd>
        </div>
      ))}
    </dl>
  );
}
