// The WebAssembly module that checks calls (docs/browser.md): numbers and bytes across its border, and nothing else. It
// asks for the time by nothing and for the world by one function, so the same bytes give the same verdict anywhere.

// What does not hold; the numbers are those of docs/browser.md.
export const PARTS = ["", "model", "program", "input", "trace", "weight", "output", "frame"] as const;
export type Part = (typeof PARTS)[number] | "receipt" | "signature" | "file";

export class Mismatch extends Error {
  constructor(
    readonly part: Part,
    readonly name = "",
  ) {
    super(`${part} ${name}`);
  }
}

interface Exports {
  memory: WebAssembly.Memory;
  _initialize?(): void;
  room(bytes: number): number;
  answer(): number;
  answer_bytes(): number;
  take_claim(): number;
  take_model(): number;
  take_program(): number;
  wants_given(): number;
  take_given(): number;
  take_trace(): number;
  choose(call: number): number;
  take_weight(type: number): number;
  run(): number;
  sha256(): void;
  keccak256(): void;
}

export type Progress = (done: number, total: number) => void;

export interface Chosen {
  calls: number[]; // the one that was chosen, and those before it that must be run for it
  multiplyAdds: number;
  weights: string[];
}

// Integers are little-endian, texts have their length before them, as everywhere in Starling.
export class Writer {
  private parts: Uint8Array[] = [];
  u32(value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    return this.raw(bytes);
  }
  u64(value: bigint): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return this.raw(bytes);
  }
  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    return this.u32(bytes.length).raw(bytes);
  }
  raw(bytes: Uint8Array): this {
    this.parts.push(bytes);
    return this;
  }
  bytes(): Uint8Array {
    const whole = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

class Reader {
  private at = 0;
  private readonly view: DataView;
  constructor(private readonly data: Uint8Array) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }
  u8 = () => this.view.getUint8(this.at++);
  u32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }
  u64(): number {
    this.at += 8;
    return Number(this.view.getBigUint64(this.at - 8, true));
  }
  text(): string {
    const size = this.u32();
    this.at += size;
    return new TextDecoder().decode(this.data.subarray(this.at - size, this.at));
  }
}

export class Core {
  private constructor(private readonly own: Exports) {}

  static async load(module: WebAssembly.Module, progress: Progress): Promise<Core> {
    // What a C library asks of its host, of which nothing is ever used here.
    const nothing = () => 52; // "not supported"
    const imports: Record<string, Record<string, (...given: number[]) => number | void>> = { page: { progress } };
    for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] ??= nothing;
    const { exports } = await WebAssembly.instantiate(module, imports);
    const own = exports as unknown as Exports;
    own._initialize?.();
    return new Core(own);
  }

  takeClaim = (claim: Uint8Array) => this.settle(this.give(claim).take_claim());
  takeModel = (leaves: Uint8Array) => this.settle(this.give(leaves).take_model());
  takeProgram = (file: Uint8Array) => this.settle(this.give(file).take_program());
  wantsGiven = () => this.own.wants_given() !== 0;
  takeGiven = (pixels: Uint8Array) => this.settle(this.give(pixels).take_given());
  takeTrace = (file: Uint8Array) => this.settle(this.give(file).take_trace());
  takeWeight = (type: number, bytes: Uint8Array) => this.settle(this.give(bytes).take_weight(type));

  choose(call: number): Chosen {
    this.settle(this.own.choose(call));
    const answer = this.answer();
    const list = <T>(read: () => T) => Array.from({ length: answer.u32() }, read);
    return { calls: list(() => answer.u32()), multiplyAdds: answer.u64(), weights: list(() => answer.text()) };
  }

  // The numbers that were compared.
  run(): number {
    this.settle(this.own.run());
    return this.answer().u64();
  }

  sha256(bytes: Uint8Array): Uint8Array {
    this.give(bytes).sha256();
    return this.told();
  }
  keccak256(bytes: Uint8Array): Uint8Array {
    this.give(bytes).keccak256();
    return this.told();
  }

  private give(bytes: Uint8Array): Exports {
    const at = this.own.room(bytes.length);
    new Uint8Array(this.own.memory.buffer).set(bytes, at >>> 0);
    return this.own;
  }
  private told(): Uint8Array {
    const at = this.own.answer() >>> 0;
    return new Uint8Array(this.own.memory.buffer).slice(at, at + this.own.answer_bytes());
  }
  private answer = () => new Reader(this.told());
  private settle(answer: number): void {
    if (answer === 0) return;
    if (answer !== 1) throw new Error(new TextDecoder().decode(this.told()));
    const said = this.answer();
    throw new Mismatch(PARTS[said.u8()]!, said.text());
  }
}
