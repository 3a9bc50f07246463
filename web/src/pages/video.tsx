import { useEffect, useState } from "preact/hooks";
import { type Call, type Receipt, download, getContentJson } from "../api";
import { Check } from "../components/check";
import { ReceiptPicture } from "../components/receipt_picture";
import { Screen } from "../components/screen";
import { model } from "../model";
import { go } from "../route";
import { language, useTexts } from "../settings";
import { findVideo, removeVideo, shelf } from "../videos";

export function VideoPage({ id }: { id: string }) {
  const t = useTexts();
  const known = model.use();
  const { videos, previews } = shelf.use();
  const [missing, setMissing] = useState(false);
  const [sure, setSure] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const [calls, setCalls] = useState<Call[] | null>(null);
  const [passed, setPassed] = useState<ReadonlySet<number>>(new Set());
  const video = videos.find((one) => one.id === id);
  const made = video?.status === "completed";

  useEffect(() => {
    void findVideo(id).catch(() => setMissing(true));
  }, [id]);
  useEffect(() => {
    if (!made) return;
    void getContentJson<Receipt>(id, "receipt").then(setReceipt, () => undefined);
    void getContentJson<{ calls: Call[] }>(id, "calls").then((list) => setCalls(list.calls), () => undefined);
  }, [id, made]);

  if (!video) {
    return missing ? (
      <section class="card">
        <h1>{t.titles.video}</h1>
        <p>{t.video.missing}</p>
        <a href="#/">{t.video.back}</a>
      </section>
    ) : null;
  }

  const attempt = (work: Promise<void>) => void work.catch((caught: Error) => setError(caught.message));
  const { seed, steps, frames, fps } = video.starling;
  return (
    <>
      <p>
        <a href="#/">← {t.video.back}</a>
      </p>
      <section class="card stage">
        <Screen video={video} preview={previews.get(id)} large />
        <div class="about">
          <h1 class="title">{video.prompt}</h1>
          <dl class="facts">
            <div>
              <dt>{t.video.size}</dt>
              <dd>{video.size.replace("x", " × ")}</dd>
            </div>
            <div>
              <dt>{t.video.length}</dt>
              <dd>{t.video.lengthText(video.seconds, frames, fps)}</dd>
            </div>
            <div>
              <dt>{t.video.seed}</dt>
              <dd>{seed}</dd>
            </div>
            <div>
              <dt>{t.video.steps}</dt>
              <dd>{steps}</dd>
            </div>
            {video.remixed_from_video_id && (
              <div>
                <dt>{t.video.from}</dt>
                <dd>
                  <a href={`#/video/${video.remixed_from_video_id}`}>{t.video.from_link}</a>
                </dd>
              </div>
            )}
            {video.expires_at && (
              <div>
                <dt>{t.video.expires}</dt>
                <dd>{new Date(video.expires_at * 1000).toLocaleDateString(language.value === "zh" ? "zh" : undefined)}</dd>
              </div>
            )}
          </dl>
          <div class="buttons">
            {made && (
              <>
                <button class="primary" onClick={() => attempt(download(id, "video", `${id}.mp4`))}>
                  {t.video.download}
                </button>
                <button onClick={() => attempt(download(id, "receipt", `${id}.receipt.json`))}>{t.video.receipt}</button>
                {known?.starling.goes_on && (
                  <>
                    <button onClick={() => go(`#/?remix=${id}`)}>{t.video.remix}</button>
                    <button onClick={() => go(`#/?extend=${id}`)}>{t.video.extend}</button>
                  </>
                )}
              </>
            )}
            {sure ? (
              <span class="sure" role="group" aria-label={t.video.sure}>
                {t.video.sure}
                <button class="danger" onClick={() => attempt(removeVideo(id).then(() => go("#/")))}>
                  {t.video.yes}
                </button>
                <button onClick={() => setSure(false)}>{t.video.no}</button>
              </span>
            ) : (
              <button onClick={() => setSure(true)}>{t.video.delete}</button>
            )}
          </div>
          {error && (
            <p class="error" role="alert">
              {t.error} {error}
            </p>
          )}
        </div>
      </section>
      {made && (
        <div class="columns">
          <ReceiptPicture video={video} receipt={receipt} calls={calls} passed={passed} />
          <Check video={video} calls={calls} passed={passed} onPassed={setPassed} />
        </div>
      )}
    </>
  );
}
