// What the model of the server can do, and which words of a prompt it knows.
import { type Model, getModel } from "./api";
import { Store } from "./store";

export const model = new Store<Model | null>(null);

export async function loadModel(): Promise<void> {
  model.set(await getModel().catch(() => null));
}

const WORD = /\p{Script=Han}|[\p{L}\p{N}]+/gu;

// The words of a text that the model never learnt, each once; none of a model that does not say what it knows.
export function unknownWords(text: string, words: readonly string[]): string[] {
  if (words.length === 0) return [];
  const known = new Set(words);
  const found = text.toLowerCase().match(WORD) ?? [];
  return [...new Set(found.flatMap((word) => (known.has(word) ? [] : [word])))];
}

const isHan = (text: string) => /\p{Script=Han}/u.test(text);
const SHORT = 3; // letters: most words of as many say little of a picture

// Words to show to whoever wrote this, of the language that it is in: from all over the list, which goes by letters.
export function someKnownWords(text: string, words: readonly string[], most: number): string[] {
  const han = isHan(text);
  const fit = words.filter((word) => isHan(word) === han && (han || word.length > SHORT));
  const step = Math.max(1, fit.length / most);
  return Array.from({ length: Math.min(most, fit.length) }, (_, i) => fit[Math.floor(i * step)]!);
}

// Sizes to choose from, smallest first: the usual one, and others of about as many pixels or some more.
export function usualSizes({ starling }: Model): string[] {
  const [width = 64, height = 64] = starling.usual.size.split("x").map(Number);
  const side = Math.max(width, height);
  const fit = (length: number) => Math.max(1, Math.round(length / starling.size_stride)) * starling.size_stride;
  const wanted: [number, number][] = [
    [width, height],
    [fit(side * 1.5), fit(side)],
    [fit(side), fit(side * 1.5)],
    [fit(side * 1.5), fit(side * 1.5)],
    [fit(side * 2), fit(side * 2)],
  ];
  return [...new Set(wanted.map(([w, h]) => `${w}x${h}`))];
}

// The shortest step between durations, in seconds.
export function secondsStep({ starling }: Model): number {
  const [numerator = 8, denominator = 1] = starling.usual.fps.split("/").map(Number);
  return (starling.frame_stride * denominator) / numerator;
}
