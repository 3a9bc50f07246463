// What a receipt claims, as the module that checks calls reads it; and whether it is signed.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { type Core, Mismatch, Writer } from "./core";

interface Receipt {
  model_root: string;
  program_root: string;
  inputs: Record<string, string>;
  work: { elements: number; f32_multiply_adds: number; i8_multiply_adds: number };
  calls: string[];
  frames: string[];
  trace_root: string;
  output_root: string;
  file?: { bytes: number; sha256: string };
  executor: string;
  signature: string;
}

const SIGNATURE = /"signature":"([0-9a-f]{130})",/;
const hash = (text: string) => {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Mismatch("receipt");
  return hexToBytes(text);
};

// Reads a receipt; throws unless its signature is its executor's. That binds every byte of the text.
export function readReceipt(core: Core, bytes: Uint8Array): Receipt {
  let text: string;
  let receipt: Receipt;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    receipt = JSON.parse(text) as Receipt;
  } catch {
    throw new Mismatch("receipt");
  }
  const [member, signature] = SIGNATURE.exec(text) ?? [];
  if (!member || !signature || !text.endsWith("}\n") || signature !== receipt.signature) throw new Mismatch("receipt");
  const signed = utf8ToBytes(text.slice(0, -1).replace(member, ""));
  const digest = core.keccak256(concatBytes(utf8ToBytes(`\x19Ethereum Signed Message:\n${signed.length}`), signed));
  let signer: string;
  try {
    const given = hexToBytes(signature);
    const parsed = secp256k1.Signature.fromBytes(concatBytes(Uint8Array.of(given[64]! - 27), given.subarray(0, 64)), "recovered");
    if (parsed.hasHighS()) throw new Mismatch("signature");
    const point = parsed.recoverPublicKey(digest).toBytes(false);
    signer = "0x" + bytesToHex(core.keccak256(point.subarray(1)).subarray(12));
  } catch {
    throw new Mismatch("signature");
  }
  if (signer !== String(receipt.executor).toLowerCase()) throw new Mismatch("signature");
  return receipt;
}

// Counts may be above 2^53: they are taken from the text, not from JavaScript's numbers.
function count(text: string, name: string): bigint {
  const found = new RegExp(`"work":\\{[^}]*"${name}":([0-9]{1,20})`).exec(text);
  if (!found) throw new Mismatch("receipt");
  return BigInt(found[1]!);
}

export function claimOf(receipt: Receipt, bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  const claim = new Writer().raw(hash(receipt.model_root)).raw(hash(receipt.program_root));
  const inputs = Object.entries(receipt.inputs);
  claim.u32(inputs.length);
  for (const [name, root] of inputs) claim.text(name).raw(hash(root));
  for (const name of ["elements", "f32_multiply_adds", "i8_multiply_adds"]) claim.u64(count(text, name));
  for (const list of [receipt.calls, receipt.frames]) {
    claim.u32(list.length);
    for (const root of list) claim.raw(hash(root));
  }
  return claim.bytes();
}
