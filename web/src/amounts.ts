// Numbers as people read them.
import { language } from "./settings";

// Motes are a billionth of a credit.
export function credits(motes: string): string {
  const digits = motes.padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, "");
}

export const compact = (amount: number) =>
  new Intl.NumberFormat(language.value, { notation: "compact", maximumSignificantDigits: 3 }).format(amount);

// The moment of so many milliseconds since 1970.
export const timeOf = (milliseconds: string) => new Date(Number(milliseconds)).toLocaleTimeString(language.value === "zh" ? "zh" : undefined);

export const percent = (share: number) => `${Math.round(share * 100)} %`;

// Motes of an amount of credits as people write it; null where it is none.
export function motesOf(amount: string): string | null {
  const match = /^\s*(\d{1,10})(?:[.,](\d{1,9}))?\s*$/.exec(amount);
  if (!match) return null;
  return (BigInt(match[1]!) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"))).toString();
}
