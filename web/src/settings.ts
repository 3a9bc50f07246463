// What the visitor chose for this browser: language and colours.
import { en } from "./texts/en";
import { zh } from "./texts/zh";
import { Store, remember, remembered } from "./store";

export type Texts = typeof en;
export type Language = "en" | "zh";
export type Theme = "light" | "dark" | "system";

const dictionaries: Record<Language, Texts> = { en, zh };

function firstLanguage(): Language {
  const kept = remembered("language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.languages.find((one) => /^(en|zh)/.test(one))?.startsWith("zh") ? "zh" : "en";
}

function firstTheme(): Theme {
  const kept = remembered("theme");
  return kept === "light" || kept === "dark" ? kept : "system";
}

export const language = new Store<Language>(firstLanguage());
export const theme = new Store<Theme>(firstTheme());

export const useTexts = (): Texts => dictionaries[language.use()];

export function chooseLanguage(chosen: Language): void {
  remember("language", chosen);
  language.set(chosen);
  showSettings();
}

export function chooseTheme(chosen: Theme): void {
  remember("theme", chosen === "system" ? null : chosen);
  theme.set(chosen);
  showSettings();
}

// On the document itself.
export function showSettings(): void {
  const root = document.documentElement;
  root.lang = language.value === "zh" ? "zh-Hans" : "en";
  if (theme.value === "system") root.removeAttribute("data-theme");
  else root.dataset.theme = theme.value;
}

export function isDark(chosen: Theme): boolean {
  return chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}
