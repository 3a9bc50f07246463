import { useEffect, useRef } from "preact/hooks";
import { apiKey, keyWanted } from "./api";
import { KeyForm } from "./components/key_form";
import { Bird } from "./components/bird";
import { loadModel, model } from "./model";
import { AccountPage } from "./pages/account";
import { ComparePage } from "./pages/compare";
import { CreatePage } from "./pages/create";
import { KeysPage } from "./pages/keys";
import { ModelPage } from "./pages/model";
import { NetworkPage } from "./pages/network";
import { ProviderPage, ProvidersPage } from "./pages/providers";
import { TaskPage } from "./pages/task";
import { VideoPage } from "./pages/video";
import { type Route, route } from "./route";
import { type Texts, chooseLanguage, chooseTheme, isDark, language, theme, useTexts } from "./settings";
import { loadVideos } from "./videos";

// Pages that lie below that of the network.
const NETWORK_PAGES = ["task", "account"];

function page(at: Route, t: Texts) {
  switch (at.page) {
    case "":
      return { title: t.titles.create, content: <CreatePage /> };
    case "video":
      return { title: t.titles.video, content: <VideoPage key={at.rest} id={at.rest} /> };
    case "compare":
      return { title: t.titles.compare, content: <ComparePage key={at.rest} ids={at.rest.split(",")} /> };
    case "model":
      return { title: t.titles.models, content: <ModelPage /> };
    case "network":
      return { title: t.titles.network, content: <NetworkPage /> };
    case "task":
      return { title: t.network.task(at.rest), content: <TaskPage key={at.rest} task={at.rest} /> };
    case "account":
      return { title: t.network.account, content: <AccountPage key={at.rest} address={at.rest} /> };
    case "providers":
      if (at.rest === "") return { title: t.titles.providers, content: <ProvidersPage /> };
      return { title: t.provider.one, content: <ProviderPage key={at.rest} address={at.rest} /> };
    case "keys":
      return { title: t.titles.keys, content: <KeysPage /> };
    default:
      return {
        title: t.titles.missing,
        content: (
          <section class="card">
            <h1>{t.titles.missing}</h1>
            <p>{t.missing}</p>
            <a href="#/">{t.home}</a>
          </section>
        ),
      };
  }
}

function Header({ at }: { at: Route }) {
  const t = useTexts();
  const chosen = theme.use();
  const dark = isDark(chosen);
  const network = model.use()?.starling.network === true;
  const links: [string, string][] = [
    ["", t.nav.create],
    ...(network ? ([["network", t.nav.network], ["providers", t.nav.providers]] as [string, string][]) : []),
    ["model", t.nav.models],
    ["keys", t.nav.keys],
  ];
  return (
    <header class="top">
      <a class="brand" href="#/">
        <Bird />
        <span>{t.name}</span>
      </a>
      <nav aria-label={t.nav.label}>
        {links.map(([name, label]) => (
          <a key={name} href={`#/${name}`} aria-current={(NETWORK_PAGES.includes(at.page) ? "network" : at.page) === name ? "page" : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <div class="choices">
        <button
          class="quiet"
          lang={language.value === "zh" ? "en" : "zh-Hans"}
          aria-label={t.languageLabel}
          onClick={() => chooseLanguage(language.value === "zh" ? "en" : "zh")}
        >
          {t.language}
        </button>
        <button
          class="quiet icon"
          aria-label={dark ? t.toLight : t.toDark}
          title={dark ? t.toLight : t.toDark}
          onClick={() => chooseTheme(dark ? "light" : "dark")}
        >
          <span aria-hidden="true">{dark ? "☀" : "☾"}</span>
        </button>
      </div>
    </header>
  );
}

export function App() {
  const t = useTexts();
  const at = route.use();
  const key = apiKey.use();
  const wanted = keyWanted.use();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const { title, content } = page(at, t);

  useEffect(() => {
    void loadModel();
    void loadVideos();
  }, [key]);
  useEffect(() => {
    document.title = `${title} · ${t.name}`;
  }, [title, t]);
  // Whoever comes from another page begins at the top of this one.
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true });
    if (!first.current) scrollTo(0, 0);
    first.current = false;
  }, [at.page, at.rest]);

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t.skip}
      </a>
      <Header at={at} />
      <main id="main" tabIndex={-1} ref={main}>
        {wanted && at.page !== "keys" && (
          <section class="card notice" role="alert">
            <h2>{t.keys.wanting}</h2>
            <p>{t.keys.wanted}</p>
            <KeyForm />
          </section>
        )}
        {content}
      </main>
    </>
  );
}
