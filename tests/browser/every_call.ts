// What the studio's check does, under Node: every call of videos that the server at the URL makes with the bundled model
// is run again by the WebAssembly module, and gives the receipt's bits; and a bit flipped anywhere is found and named.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { claimOf, readReceipt } from "../../web/src/check/claim";
import { Core, Mismatch, Writer } from "../../web/src/check/core";

const [base, module] = process.argv.slice(2) as [string, string];
const TYPES = ["f32", "i32", "i8", "u8", "bf16", "f16"];
const get = async (path: string): Promise<Uint8Array> => {
  const response = await fetch(base + path);
  assert.equal(response.status, 200, `${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};
const json = async (path: string) => JSON.parse(new TextDecoder().decode(await get(path)));
const bytes = (hex: string) => Uint8Array.from(hex.match(/../g)!, (digits) => parseInt(digits, 16));

async function make(path: string, body: object): Promise<string> {
  const response = await fetch(base + path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const { id } = (await response.json()) as { id: string };
  for (;;) {
    const { status, error } = await json(`/v1/videos/${id}`);
    assert.notEqual(status, "failed", error?.message);
    if (status === "completed") return id;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const compiled = await WebAssembly.compile(await readFile(module));
const model = (await json("/v1/models")).data[0].id;
const list = await json(`/v1/models/${model}/weights`);
const places = new Map<string, { type: string; file: string; at: number; bytes: number }>(list.weights.map((one: { name: string }) => [one.name, one]));
const files = new Map<string, Uint8Array>();
for (const { file } of list.weights) if (!files.has(file)) files.set(file, await get(`/v1/models/${model}/files/${file}`));

interface Parts {
  receipt: Uint8Array;
  leaves: Uint8Array;
  program: Uint8Array;
  given: Uint8Array | null;
  trace: Uint8Array;
  weight?: (name: string, bytes: Uint8Array) => Uint8Array;
}

const leaves = new Writer().u32(list.files.length);
for (const { name, sha256 } of list.files) leaves.text(name).raw(bytes(sha256));
leaves.u32(list.weights.length);
for (const { name, root } of list.weights) leaves.text(name).raw(bytes(root));

async function open(parts: Parts): Promise<Core> {
  const core = await Core.load(compiled, () => {});
  core.takeClaim(claimOf(readReceipt(core, parts.receipt), parts.receipt));
  core.takeModel(parts.leaves);
  core.takeProgram(parts.program);
  assert.equal(core.wantsGiven(), parts.given !== null);
  if (parts.given) core.takeGiven(parts.given);
  core.takeTrace(parts.trace);
  return core;
}

function run(core: Core, parts: Parts, call: number) {
  const chosen = core.choose(call);
  for (const name of chosen.weights) {
    const { type, file, at, bytes: size } = places.get(name)!;
    const data = files.get(file)!.subarray(at, at + size);
    core.takeWeight(TYPES.indexOf(type), parts.weight ? parts.weight(name, data) : data);
  }
  return { ...chosen, numbers: core.run() };
}

const flipped = (whole: Uint8Array, at: number): Uint8Array => {
  const copy = whole.slice();
  copy[at < 0 ? copy.length + at : at]! ^= 4;
  return copy;
};

async function partsOf(id: string, given: boolean): Promise<Parts> {
  const content = (variant: string) => get(`/v1/videos/${id}/content?variant=${variant}`);
  return {
    receipt: await content("receipt"),
    leaves: leaves.bytes(),
    program: await content("program"),
    given: given ? await content("inputs") : null,
    trace: await content("trace"),
  };
}

const first = await make("/v1/videos", { prompt: "a red ball bounces on green ground", steps: 4, seed: 7 });
const second = await make(`/v1/videos/${first}/remix`, { prompt: "a blue ball rolls on ice", steps: 4 });
for (const id of [first, second]) {
  const parts = await partsOf(id, id === second);
  const core = await open(parts);
  const calls = JSON.parse(new TextDecoder().decode(parts.receipt)).calls.length;
  for (let call = 0; call < calls; ++call) {
    const began = performance.now();
    const { calls: chosen, multiplyAdds, numbers } = run(core, parts, call);
    const seconds = (performance.now() - began) / 1000;
    console.log(`call ${call}: with ${chosen.length - 1} before it, ${numbers} numbers, ${multiplyAdds} multiply-adds, ${seconds.toFixed(2)} s`);
    assert.equal(chosen.at(-1), call);
  }
}

// What does not match is named.
const parts = await partsOf(second, true);
const receipt = JSON.parse(new TextDecoder().decode(parts.receipt));
const step = receipt.calls.length - 3; // the last step: then come the split and a decode
const refuses = async (part: string, changed: Partial<Parts>, call = step) => {
  await assert.rejects(
    async () => run(await open({ ...parts, ...changed }), { ...parts, ...changed }, call),
    (caught: unknown) => caught instanceof Mismatch && caught.part === part,
    part,
  );
};
await refuses("signature", { receipt: flipped(parts.receipt, new TextDecoder().decode(parts.receipt).indexOf('"calls"') + 20) });
await refuses("receipt", { receipt: parts.receipt.subarray(1) });
await refuses("model", { leaves: flipped(parts.leaves, -1) });
await refuses("program", { program: flipped(parts.program, 5000) });
await refuses("input", { given: flipped(parts.given!, 77) });
await refuses("trace", { trace: flipped(parts.trace, 20) });
await refuses("trace", { trace: parts.trace.subarray(0, -1) });
await refuses("weight", { weight: (_, data) => flipped(data, 9) });
const other = await partsOf(first, false);
await refuses("program", { program: other.program });
console.log("calls hold, and changed bytes are named");
