import { useEffect, useState } from "preact/hooks";
import { compact, credits } from "../amounts";
import { ApiError, type Quote, type Source, type Wishes, getQuote } from "../api";
import { useTexts } from "../settings";
import { speed } from "../videos";

const PAUSE = 350; // milliseconds after the last change

interface Props {
  wishes: Wishes;
  source: Source | undefined;
  count: number;
  network: boolean;
}

// What the video that the form describes would come to. Its text changes nothing of that, so it is not sent.
export function QuoteLine({ wishes, source, count, network }: Props) {
  const t = useTexts();
  const known = speed.use();
  const [quote, setQuote] = useState<Quote | null>(null);
  const [away, setAway] = useState(false);
  const file = source && "file" in source;
  const asked = JSON.stringify([wishes, file ? null : source]);
  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const show = (quote: Quote | null, away: boolean) => {
        if (controller.signal.aborted) return;
        setQuote(quote);
        setAway(away);
      };
      // What else cannot be made is said when it is asked for.
      getQuote(wishes, source, controller.signal).then(
        (quote) => show(quote, false),
        (error: unknown) => show(null, error instanceof ApiError && error.code === "network_unreachable"),
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [asked]);
  if (!quote) return <p class="quote hint">{away && t.quote.away}</p>;
  const work = quote.work.f32_multiply_adds + quote.work.i8_multiply_adds;
  const seconds = quote.expected_seconds ?? (known > 0 && !network ? work / known : null);
  const parts = [
    t.quote.work(compact(work * count), quote.calls * count),
    ...(network ? [quote.lowest_price === null ? t.quote.nobody : t.quote.price(credits(times(quote.lowest_price, count)), credits(times(quote.price, count)))] : [t.quote.free]),
    ...(network && quote.providers !== null && quote.lowest_price !== null ? [t.quote.providers(quote.providers)] : []),
    ...(seconds === null ? [] : [t.quote.seconds(Math.max(0.1, seconds * (network ? 1 : count)))]),
  ];
  return (
    <p class="quote hint" aria-label={t.quote.label}>
      {parts.join(" · ")}
    </p>
  );
}

const times = (motes: string, count: number) => (BigInt(motes) * BigInt(count)).toString();
