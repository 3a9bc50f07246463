// What the server of this page answers: OpenAI's Videos API, and Starling's own beside it (GET /openapi.json).
import { Store, remember, remembered } from "./store";

export interface Work {
  f32_multiply_adds: number;
  i8_multiply_adds: number;
  elements: number;
}

export interface Video {
  id: string;
  status: "queued" | "in_progress" | "completed" | "failed";
  progress: number;
  prompt: string;
  model: string;
  size: string;
  seconds: string;
  created_at: number;
  completed_at: number | null;
  expires_at: number | null;
  error: { code: string; message: string } | null;
  remixed_from_video_id: string | null;
  starling: {
    receipt: string | null;
    price: string | null;
    work: Work | null;
    provider: string | null;
    seed: number;
    steps: number;
    frames: number;
    fps: string;
    task?: string;
    step?: number;
    last_step?: number;
    waits_for?: "network" | "provider";
  };
}

export interface Page {
  data: Video[];
  last_id: string | null;
  has_more: boolean;
}

export interface Model {
  id: string;
  starling: {
    root: string;
    parameters: number;
    size_stride: number;
    frame_stride: number;
    most_pixels: number;
    most_steps: number;
    goes_on: boolean;
    network: boolean;
    usual: { size: string; fps: string; num_frames: number; steps: number; guidance: number };
    words: string[];
  };
}

// scores.json of the model's folder. Whoever made it may have written anything.
export interface ModelScores {
  clips?: unknown;
  scores?: Record<string, Record<string, unknown> | null>;
}

export interface ModelCard {
  text: string | null;
  scores: ModelScores | null;
}

export interface Call {
  call: number;
  kind: "text" | "encode" | "given" | "noise" | "contexts" | "step" | "split" | "tile" | "decode";
  name: string;
  multiply_adds: number;
}

export interface Receipt {
  executor: string;
  model_root: string;
  program_root: string;
  trace_root: string;
  output_root: string;
  frames: string[];
}

export interface CheckDone {
  valid: boolean | null;
  checked_calls: number;
  total_calls: number;
  first_difference: string | null;
  error: string | null;
  seconds: number;
}

export interface ServerEvent {
  name: string;
  data: unknown;
}

// An answer that is no success; the message is the server's own.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string | null,
    message: string,
  ) {
    super(message);
  }
}

// The key that requests are sent with, kept in this browser.
export const apiKey = new Store<string | null>(remembered("key"));
// Whether the server asked for a key, or for another one.
export const keyWanted = new Store(false);

export function setKey(key: string | null): void {
  remember("key", key);
  keyWanted.set(false);
  apiKey.set(key);
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (apiKey.value) headers.set("Authorization", `Bearer ${apiKey.value}`);
  const response = await fetch(path, { ...init, headers });
  if (response.ok) return response;
  if (response.status === 401) keyWanted.set(true);
  const body = await response.json().catch(() => null);
  const error = body?.error ?? {};
  throw new ApiError(response.status, error.code ?? null, error.message ?? response.statusText);
}

export async function askJson<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await ask(path, init)).json()) as T;
}

function json(body: object): RequestInit {
  return { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

export const listVideos = (after?: string) =>
  askJson<Page>(`/v1/videos?limit=24${after ? `&after=${encodeURIComponent(after)}` : ""}`);
export const getVideo = (id: string) => askJson<Video>(`/v1/videos/${encodeURIComponent(id)}`);
export const deleteVideo = (id: string) => askJson<object>(`/v1/videos/${encodeURIComponent(id)}`, { method: "DELETE" });
export const getModel = async () => (await askJson<{ data: Model[] }>("/v1/models")).data[0]!;
export const getModelCard = (id: string) => askJson<ModelCard>(`/v1/models/${encodeURIComponent(id)}/card`);

export interface ApiKey {
  id: string;
  name: string;
  scopes: string;
  budget: string | null;
  spent: string;
  per_minute: number;
  created_at: number;
  revoked_at: number | null;
  expires_at: number | null;
}

export const listKeys = async () => (await askJson<{ data: ApiKey[] }>("/v1/keys")).data;
export const createKey = (wanted: { name: string; scopes: string; budget: string | null; per_minute: number; expires_at: number | null }) =>
  askJson<ApiKey & { secret: string }>("/v1/keys", json(wanted));
export const revokeKey = (id: string) => askJson<object>(`/v1/keys/${encodeURIComponent(id)}`, { method: "DELETE" });

// What a video comes to.
export interface Quote {
  frames: number;
  work: Work;
  calls: number;
  price: string;
  lowest_price: string | null;
  providers: number | null;
  expected_seconds: number | null;
}

// What a video is made of beside its text.
export type Source =
  | { way: "remix" | "extend"; id: string }
  | { way: "connect"; id: string; to: string }
  | { way: "begin" | "edit" | "extend"; file: File };

export interface Wishes {
  prompt: string;
  size?: string;
  seconds?: string;
  num_frames?: number;
  steps?: number;
  guidance?: number;
  seed?: number;
}

export async function createVideo(wishes: Wishes, source?: Source): Promise<Video> {
  if (!source) return askJson<Video>("/v1/videos", json(wishes));
  if (source.way === "remix") return askJson<Video>(`/v1/videos/${encodeURIComponent(source.id)}/remix`, json(wishes));
  if ("id" in source) return askJson<Video>("/v1/videos/extensions", json({ ...wishes, ...clipsOf(source) }));
  const form = new FormData();
  for (const [name, value] of Object.entries(wishes)) form.set(name, String(value));
  form.set(source.way === "begin" ? "input_reference" : "video", source.file);
  const path = { begin: "/v1/videos", edit: "/v1/videos/edits", extend: "/v1/videos/extensions" }[source.way];
  return askJson<Video>(path, { method: "POST", body: form });
}

const clipsOf = (source: { id: string; to?: string }) => ({ video: { id: source.id }, ...(source.to === undefined ? {} : { to: { id: source.to } }) });

// Of files the quote is that of text alone: a clip that was not sent cannot be counted.
export function getQuote(wishes: Wishes, source: Source | undefined, signal: AbortSignal): Promise<Quote> {
  const asked = source && "id" in source ? { ...wishes, ...clipsOf(source) } : wishes;
  const path = source && "id" in source ? (source.way === "remix" ? "/v1/videos/edits/quote" : "/v1/videos/extensions/quote") : "/v1/videos/quote";
  return askJson<Quote>(path, { ...json(asked), signal });
}

export type Variant = "video" | "thumbnail" | "receipt" | "calls";

function contentPath(id: string, variant: Variant): string {
  return `/v1/videos/${encodeURIComponent(id)}/content?variant=${variant}`;
}

export const getContentJson = <T>(id: string, variant: "receipt" | "calls") => askJson<T>(contentPath(id, variant));

// Where an element finds a file: the server itself or, where a key is needed, which elements cannot send, a copy here.
// To be given back by releaseUrl().
export async function contentUrl(id: string, variant: Variant): Promise<string> {
  if (!apiKey.value) return contentPath(id, variant);
  return URL.createObjectURL(await (await ask(contentPath(id, variant))).blob());
}

export function releaseUrl(url: string): void {
  if (url.startsWith("blob:")) URL.revokeObjectURL(url);
}

export async function download(id: string, variant: Variant, name: string): Promise<void> {
  const url = URL.createObjectURL(await (await ask(contentPath(id, variant))).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// Server-sent events. EventSource cannot send a key.
async function* events(path: string, init: RequestInit): AsyncGenerator<ServerEvent> {
  const response = await ask(path, init);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]));
      const name = fields.get("event");
      if (name) yield { name, data: JSON.parse(fields.get("data") ?? "null") };
    }
  }
}

export const videoEvents = (id: string, signal: AbortSignal) => events(`/v1/videos/${encodeURIComponent(id)}/events`, { signal });
export const checkEvents = (id: string, calls: number, signal: AbortSignal) =>
  events(`/v1/videos/${encodeURIComponent(id)}/check`, { ...json({ calls }), signal });
