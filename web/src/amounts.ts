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
