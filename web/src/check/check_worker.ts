// Runs calls of a video again in this browser. Whatever the server sends is held against the receipt before it is used,
// and the calls are drawn here: the server learns neither which they are nor whether they passed.
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { claimOf, readReceipt } from "./claim";
import { Core, Mismatch, type Part, Writer } from "./core";
import wasm from "./call_check.wasm?url";

// What the page asks for, once.
export interface Order {
  id: string;
  receipt: string | null; // its SHA-256, as the list of videos has it
  model: string;
  calls: number; // how many to draw
  key: string | null;
}

export type Said =
  | { kind: "fetching"; bytes: number }
  | { kind: "running"; call: number; done: number; total: number }
  | { kind: "passed"; calls: number[] }
  | { kind: "holds"; checked: number; total: number; numbers: number; multiplyAdds: number; fetched: number; seconds: number }
  | { kind: "mismatch"; part: Part; name: string }
  | { kind: "error"; message: string };

interface Weight {
  name: string;
  type: string;
  root: string;
  file: string;
  at: number;
  bytes: number;
}

interface Weights {
  files: { name: string; sha256: string }[];
  weights: Weight[];
}

const TYPES = ["f32", "i32", "i8", "u8", "bf16", "f16"];
const GAP = 256 * 1024; // bytes between two weights that are fetched rather than asked for anew
const MOST_FETCHED = 2 ** 30; // bytes of one answer
const TICK = 100; // milliseconds between two words about progress

const say = (said: Said) => postMessage(said);

class Server {
  fetched = 0;
  constructor(private readonly key: string | null) {}

  async ask(path: string, range?: [number, number]): Promise<Uint8Array> {
    const headers = new Headers();
    if (this.key) headers.set("Authorization", `Bearer ${this.key}`);
    if (range) headers.set("Range", `bytes=${range[0]}-${range[1] - 1}`);
    const response = await fetch(path, { headers });
    if (!response.ok) {
      const body = (await response.json().catch(() => null)) as { error?: { message?: string } } | null;
      throw new Error(body?.error?.message ?? response.statusText);
    }
    if (Number(response.headers.get("content-length") ?? 0) > MOST_FETCHED) throw new Error(`${path} is too large for a browser`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    this.fetched += bytes.length;
    say({ kind: "fetching", bytes: this.fetched });
    return bytes;
  }
}

// As many different calls as are wanted, each set as likely as any other.
function draw(calls: number, wanted: number): number[] {
  const left = Array.from({ length: calls }, (_, call) => call);
  const below = (bound: number) => {
    const word = new Uint32Array(1);
    const fair = Math.floor(2 ** 32 / bound) * bound;
    do crypto.getRandomValues(word);
    while (word[0]! >= fair);
    return word[0]! % bound;
  };
  return Array.from({ length: Math.min(calls, wanted) }, () => left.splice(below(left.length), 1)[0]!);
}

function leavesOf({ files, weights }: Weights): Uint8Array {
  try {
    const leaves = new Writer().u32(files.length);
    for (const { name, sha256 } of files) leaves.text(name).raw(hexToBytes(sha256));
    leaves.u32(weights.length);
    for (const { name, root } of weights) leaves.text(name).raw(hexToBytes(root));
    return leaves.bytes();
  } catch {
    throw new Mismatch("model");
  }
}

// The weights of those names, in as few requests as there are stretches of the files that hold them.
async function fetchWeights(server: Server, model: string, wanted: Weight[], into: Map<string, Uint8Array>): Promise<void> {
  const missing = wanted.filter(({ name }) => !into.has(name)).sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.at - b.at));
  for (let first = 0; first < missing.length; ) {
    const { file, at } = missing[first]!;
    let end = at;
    let next = first;
    for (; next < missing.length && missing[next]!.file === file && missing[next]!.at <= end + GAP; ++next) {
      end = Math.max(end, missing[next]!.at + missing[next]!.bytes);
    }
    const path = file.split("/").map(encodeURIComponent).join("/");
    const bytes = await server.ask(`/v1/models/${encodeURIComponent(model)}/files/${path}`, [at, end]);
    for (const weight of missing.slice(first, next)) into.set(weight.name, bytes.subarray(weight.at - at, weight.at - at + weight.bytes));
    first = next;
  }
}

async function check({ id, receipt: named, model, calls, key }: Order): Promise<void> {
  const began = performance.now();
  const server = new Server(key);
  const content = (variant: string) => server.ask(`/v1/videos/${encodeURIComponent(id)}/content?variant=${variant}`);
  let running = 0;
  let told = 0;
  const core = await Core.load(await WebAssembly.compileStreaming(fetch(wasm)), (done, total) => {
    if (done < total && performance.now() - told < TICK) return;
    told = performance.now();
    say({ kind: "running", call: running, done, total });
  });

  const text = await content("receipt");
  if (named && bytesToHex(core.sha256(text)) !== named) throw new Mismatch("receipt");
  const receipt = readReceipt(core, text);
  core.takeClaim(claimOf(receipt, text));
  if (receipt.file && bytesToHex(core.sha256(await content("video"))) !== receipt.file.sha256) throw new Mismatch("file");
  const list = JSON.parse(new TextDecoder().decode(await server.ask(`/v1/models/${encodeURIComponent(model)}/weights`))) as Weights;
  core.takeModel(leavesOf(list));
  core.takeProgram(await content("program"));
  if (core.wantsGiven()) core.takeGiven(await content("inputs"));
  core.takeTrace(await content("trace"));

  const places = new Map(list.weights.map((weight) => [weight.name, weight]));
  const fetched = new Map<string, Uint8Array>();
  const passed = new Set<number>();
  const total = receipt.calls.length;
  let numbers = 0;
  let multiplyAdds = 0;
  for (const call of draw(total, calls)) {
    if (passed.has(call)) continue; // run for another one
    const chosen = core.choose(call);
    const wanted = chosen.weights.map((name) => places.get(name)!);
    await fetchWeights(server, model, wanted, fetched);
    for (const { name, type } of wanted) core.takeWeight(TYPES.indexOf(type) >>> 0, fetched.get(name)!);
    running = call;
    numbers += core.run();
    multiplyAdds += chosen.multiplyAdds;
    chosen.calls.forEach((one) => passed.add(one));
    say({ kind: "passed", calls: chosen.calls });
  }
  const seconds = (performance.now() - began) / 1000;
  say({ kind: "holds", checked: passed.size, total, numbers, multiplyAdds, fetched: server.fetched, seconds });
}

onmessage = ({ data }: MessageEvent<Order>) => {
  check(data).catch((caught: unknown) => {
    if (caught instanceof Mismatch) say({ kind: "mismatch", part: caught.part, name: caught.name });
    else say({ kind: "error", message: String((caught as Error).message ?? caught) });
  });
};
