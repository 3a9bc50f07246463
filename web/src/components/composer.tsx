import { useEffect, useRef, useState } from "preact/hooks";
import { type Model, type Source, type Video, type Wishes, createVideo } from "../api";
import { QuoteLine } from "./quote_line";
import { secondsStep, someKnownWords, unknownWords, usualSizes } from "../model";
import { useTexts } from "../settings";
import { addVideos } from "../videos";

const OTHER = "other";
const WORDS_SHOWN = 14;
const MOST_AT_ONCE = 8;
const SEEDS = 100_000; // that are chosen where none is given: short enough to be read and told

type FileWay = "begin" | "edit" | "extend";

interface Props {
  model: Model;
  // The video that the new one goes on from, if it is one of this server.
  from?: { way: "remix" | "extend"; video: Video } | { way: "connect"; video: Video; to: Video } | null;
  onMade: (videos: Video[]) => void;
}

function NumberField(props: { label: string; value: string; set: (value: string) => void; min: number; max: number; step: number; hint?: string }) {
  const { label, value, set, hint, ...bounds } = props;
  return (
    <label class="field">
      <span>{label}</span>
      <input type="number" inputMode="decimal" value={value} placeholder={hint} onInput={(event) => set(event.currentTarget.value)} {...bounds} />
    </label>
  );
}

export function Composer({ model, from, onMade }: Props) {
  const t = useTexts();
  const usual = model.starling.usual;
  const step = secondsStep(model);
  const sizes = usualSizes(model);
  const [usualWidth = "", usualHeight = ""] = usual.size.split("x");
  const [prompt, setPrompt] = useState("");
  const [size, setSize] = useState(usual.size);
  const [width, setWidth] = useState(usualWidth);
  const [height, setHeight] = useState(usualHeight);
  const [seconds, setSeconds] = useState(String((usual.num_frames - 1) / model.starling.frame_stride * step));
  const [steps, setSteps] = useState(String(usual.steps));
  const [guidance, setGuidance] = useState(String(usual.guidance));
  const [seed, setSeed] = useState("");
  const [count, setCount] = useState("1");
  const [file, setFile] = useState<File | null>(null);
  const [fileWay, setFileWay] = useState<FileWay>("begin");
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    if (!from) return;
    setPrompt(from.video.prompt);
    setFile(null);
    field.current?.focus();
  }, [from?.way, from?.video.id, from?.way === "connect" && from.to.id]);

  const unknown = unknownWords(prompt, model.starling.words);
  const keepsShape = from?.way === "remix" || (file && fileWay === "edit");
  const number = Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(Number(count)) || 1));

  function take(given: File | null | undefined) {
    if (!given) return;
    const picture = given.type.startsWith("image/");
    if (!picture && !given.type.startsWith("video/")) return setError(t.create.notThese);
    setError(model.starling.goes_on ? null : t.create.onlyText);
    if (!model.starling.goes_on) return;
    setFile(given);
    setFileWay(picture ? "begin" : "extend");
  }

  function source(): Source | undefined {
    if (from?.way === "connect") return { way: from.way, id: from.video.id, to: from.to.id };
    if (from) return { way: from.way, id: from.video.id };
    return file ? { way: fileWay, file } : undefined;
  }

  function wishesFor(text: string): Wishes {
    const wishes: Wishes = { prompt: text, steps: Number(steps), guidance: Number(guidance) };
    if (!from) wishes.size = size === OTHER ? `${width}x${height}` : size;
    if (!keepsShape && Number(seconds) === 0) wishes.num_frames = 1;
    else if (!keepsShape) wishes.seconds = seconds;
    return wishes;
  }

  async function submit() {
    setBusy(true);
    setError(null);
    const wishes = wishesFor(prompt.trim());
    const made: Video[] = [];
    const first = seed === "" ? Math.floor(Math.random() * SEEDS) : Number(seed);
    try {
      for (let i = 0; i < number; ++i) {
        wishes.seed = first + i;
        made.push(await createVideo(wishes, source()));
      }
      if (!from) setFile(null);
    } catch (caught) {
      setError((caught as Error).message);
    }
    setBusy(false);
    if (made.length > 0) addVideos(made);
    if (made.length > 0) onMade(made);
  }

  return (
    <form
      class={`card composer ${over ? "over" : ""}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void submit();
      }}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (!from) take(event.dataTransfer?.files[0]);
      }}
    >
      <h1>
        <label for="prompt">{t.create.heading}</label>
      </h1>
      {from && (
        <p class="hint">
          {{ remix: t.create.remixOf, extend: t.create.extendOf, connect: t.create.connectOf }[from.way]}{" "}
          <a href={`#/video/${from.video.id}`}>{from.video.prompt}</a>
          {from.way === "connect" && (
            <>
              {" → "}
              <a href={`#/video/${from.to.id}`}>{from.to.prompt}</a>
            </>
          )}
        </p>
      )}
      <textarea
        id="prompt"
        ref={field}
        rows={2}
        required
        value={prompt}
        placeholder={t.create.placeholder}
        onInput={(event) => setPrompt(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
      />
      {unknown.length > 0 && (
        <p class="hint" role="status">
          {t.create.unknown(unknown.map((word) => `“${word}”`).join(", "))} {t.create.knows}:{" "}
          {someKnownWords(prompt, model.starling.words, WORDS_SHOWN).join(", ")} …{" "}
          <a href="#/model">{t.nav.models}</a>
        </p>
      )}
      {!from && prompt === "" && (
        <div class="examples">
          <span>{t.create.examples}</span>
          {t.create.exampleTexts.map((text) => (
            <button key={text} type="button" class="chip" onClick={() => setPrompt(text)}>
              {text}
            </button>
          ))}
        </div>
      )}
      {!from && model.starling.goes_on && (
        <div class="drop">
          {file ? (
            <>
              <span>
                {t.create.dropped} <b>{file.name}</b>
              </span>
              {file.type.startsWith("video/") && (
                <label class="field inline">
                  <span class="unseen">{t.create.way}</span>
                  <select value={fileWay} onChange={(event) => setFileWay(event.currentTarget.value as FileWay)}>
                    <option value="extend">{t.create.ways.extend}</option>
                    <option value="edit">{t.create.ways.edit}</option>
                  </select>
                </label>
              )}
              <button type="button" onClick={() => setFile(null)}>
                {t.create.remove}
              </button>
            </>
          ) : (
            <>
              <span>{t.create.drop}</span>
              <button type="button" class="link" onClick={() => chooser.current?.click()}>
                {t.create.choose}
              </button>
            </>
          )}
          <input
            ref={chooser}
            class="unseen"
            type="file"
            accept="image/*,video/*"
            tabIndex={-1}
            aria-label={t.create.choose}
            onChange={(event) => {
              take(event.currentTarget.files?.[0]);
              event.currentTarget.value = "";
            }}
          />
        </div>
      )}
      <div class="row">
        {!from && (
          <label class="field">
            <span>{t.create.size}</span>
            <select value={size} onChange={(event) => setSize(event.currentTarget.value)}>
              {sizes.map((one) => (
                <option key={one} value={one}>
                  {one.replace("x", " × ")}
                </option>
              ))}
              <option value={OTHER}>{t.create.otherSize}</option>
            </select>
          </label>
        )}
        {!from && size === OTHER && (
          <>
            <NumberField label={t.create.width} value={width} set={setWidth} min={model.starling.size_stride} max={8192} step={model.starling.size_stride} />
            <NumberField label={t.create.height} value={height} set={setHeight} min={model.starling.size_stride} max={8192} step={model.starling.size_stride} />
          </>
        )}
        {!keepsShape && <NumberField label={t.create.seconds} value={seconds} set={setSeconds} min={0} max={3600} step={step} />}
        <NumberField label={t.create.seed} value={seed} set={setSeed} min={0} max={Number.MAX_SAFE_INTEGER} step={1} hint={t.create.seedHint} />
        <NumberField label={t.create.count} value={count} set={setCount} min={1} max={MOST_AT_ONCE} step={1} />
        <NumberField label={t.create.steps} value={steps} set={setSteps} min={1} max={model.starling.most_steps} step={1} />
        <NumberField label={t.create.guidance} value={guidance} set={setGuidance} min={0} max={100} step={0.1} />
        <button class="primary make" type="submit" disabled={busy}>
          {busy ? t.create.asking : number > 1 ? t.create.makeMany(number) : t.create.make}
        </button>
      </div>
      <QuoteLine wishes={wishesFor(model.starling.words[0] ?? "a")} source={source()} count={number} network={model.starling.network} />
      {error && (
        <p class="error" role="alert">
          {t.error} {error}
        </p>
      )}
    </form>
  );
}
