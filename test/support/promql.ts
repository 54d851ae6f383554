import { parser } from '@prometheus-io/lezer-promql';

/** A condition on a label. */
export interface Matcher {
  label: string;
  operator: string;
  value: string;
}

/** What an expression of PromQL asks for. */
export interface Query {
  selectors: { metric: string; matchers: Matcher[] }[];
  /** The labels of `by` and `without`. */
  groupedBy: string[];
}

/**
 * Reads an expression with the parser of Prometheus' own user interface.
 * @throws Error for an expression that is not PromQL
 */
export function parsePromql(expression: string): Query {
  const query: Query = { selectors: [], groupedBy: [] };
  const textOf = ({ from, to }: { from: number; to: number }) => expression.slice(from, to);
  parser.parse(expression).iterate({
    enter({ name, node, type, from }) {
      if (type.isError) throw new Error(`This is not PromQL from character ${from} on: ${expression}`);
      if (name === 'GroupingLabels') query.groupedBy.push(...node.getChildren('LabelName').map(textOf));
      if (name !== 'VectorSelector') return;
      const identifier = node.getChild('Identifier');
      if (!identifier) throw new Error(`A selector has no metric: ${expression}`);
      const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
      query.selectors.push({
        metric: textOf(identifier),
        matchers: matchers.map((matcher) => {
          const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((part) => {
            const child = matcher.getChild(part);
            if (!child) throw new Error(`A matcher has no ${part}: ${expression}`);
            return textOf(child);
          });
          return { label: `${label}`, operator: `${operator}`, value: JSON.parse(`${value}`) };
        }),
      });
    },
  });
  return query;
}

/** Whether a label's value fulfils a matcher. A regular expression must match the whole value. */
export function fulfils(value: string | undefined, { operator, value: wanted }: Matcher): boolean {
  if (operator === '=' || operator === '!=') return (value === wanted) === (operator === '=');
  return new RegExp(`^(?:${wanted})$`).test(value ?? '') === (operator === '=~');
}
