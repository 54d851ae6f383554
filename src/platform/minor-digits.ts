/** How many digits the minor unit of a currency has in ISO 4217, if not two. The runtime's own numbers are those of CLDR. */
const digits: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};

/** How many digits of an amount are behind the decimal sign, for the Worker and for the console. */
export function minorDigits(currency: string): number {
  const found = Object.entries(digits).find(([, currencies]) => currencies.includes(currency));
  return Number(found?.[0] ?? 2);
}
