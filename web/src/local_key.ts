// A key of the visitor's own, from a Web3 Secret Storage file (docs/node.md), for those who have no wallet in their
// browser. It lies in this page's memory and nowhere else, and signs EIP-712 typed data as wallets do.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { pbkdf2Async } from "@noble/hashes/pbkdf2.js";
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

export interface Field {
  name: string;
  type: string;
}

export interface TypedData {
  types: Record<string, Field[]>;
  domain: Record<string, string | number>;
  primaryType: string;
  message: Record<string, string>;
}

export interface Signer {
  address: string;
  sign(typed: TypedData): Promise<string>; // 65 bytes in hexadecimal
}

const MOST_FILE = 64 * 1024; // bytes
const MOST_MEMORY = 512 * 1024 * 1024; // bytes that scrypt may take
const MOST_ROUNDS = 10_000_000;

function hex(value: unknown, bytes?: number): Uint8Array {
  if (typeof value !== "string") throw new Error("a field is missing");
  const found = hexToBytes(value.replace(/^0x/, ""));
  if (bytes !== undefined && found.length !== bytes) throw new Error("a field has another length");
  return found;
}

function whole(value: unknown, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > most) throw new Error("a number is out of bounds");
  return value;
}

async function derive(kdf: unknown, given: Record<string, unknown>, password: string): Promise<Uint8Array> {
  const salt = hex(given.salt);
  const secret = utf8ToBytes(password.normalize("NFKC"));
  if (given.dklen !== 32) throw new Error("a field has another length");
  if (kdf === "scrypt") {
    const [N, r, p] = [whole(given.n, 2 ** 22), whole(given.r, 64), whole(given.p, 64)];
    if (128 * N * r > MOST_MEMORY || N * r * p > 2 ** 25 || (N & (N - 1)) !== 0) throw new Error("a number is out of bounds");
    return scryptAsync(secret, salt, { N, r, p, dkLen: 32, maxmem: MOST_MEMORY + 2 ** 20 });
  }
  if (kdf === "pbkdf2" && given.prf === "hmac-sha256") return pbkdf2Async(sha256, secret, salt, { c: whole(given.c, MOST_ROUNDS), dkLen: 32 });
  throw new Error("its key derivation is not known");
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; ++i) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

// With EIP-55 capitals.
function addressOf(key: Uint8Array): string {
  const digits = bytesToHex(keccak_256(secp256k1.getPublicKey(key, false).subarray(1)).subarray(12));
  const sums = bytesToHex(keccak_256(utf8ToBytes(digits)));
  return "0x" + [...digits].map((digit, i) => (parseInt(sums[i]!, 16) >= 8 ? digit.toUpperCase() : digit)).join("");
}

function word(value: bigint | number | string): Uint8Array {
  return hexToBytes(BigInt(value).toString(16).padStart(64, "0"));
}

// EIP-712 of structures without structures in them.
function hashStruct(name: string, fields: Field[], values: Record<string, string | number>): Uint8Array {
  const described = `${name}(${fields.map(({ type, name: field }) => `${type} ${field}`).join(",")})`;
  const encoded = fields.map(({ type, name: field }) => {
    const value = values[field];
    if (value === undefined) throw new Error(`${field} is missing`);
    return type === "string" ? keccak_256(utf8ToBytes(String(value))) : word(value);
  });
  return keccak_256(concatBytes(keccak_256(utf8ToBytes(described)), ...encoded));
}

export function signWith(key: Uint8Array): Signer {
  return {
    address: addressOf(key),
    sign: async ({ types, domain, primaryType, message }) => {
      const separator = hashStruct("EIP712Domain", types.EIP712Domain!, domain);
      const digest = keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), separator, hashStruct(primaryType, types[primaryType]!, message)));
      const signature = secp256k1.sign(digest, key, { prehash: false, format: "recovered" });
      return "0x" + bytesToHex(signature.subarray(1)) + (27 + signature[0]!).toString(16);
    },
  };
}

// Whoever wrote the file may have written anything. Throws why it does not open.
export async function openKeyFile(file: File, password: string): Promise<Signer> {
  if (file.size > MOST_FILE) throw new Error("this is no key file");
  if (!crypto.subtle) throw new Error("browsers decrypt on https and on localhost alone");
  const content = JSON.parse(await file.text().catch(() => "null")) as { version?: unknown; crypto?: Record<string, unknown> } | null;
  const sealed = content?.crypto as { cipher?: unknown; cipherparams?: { iv?: unknown }; ciphertext?: unknown; kdf?: unknown; kdfparams?: Record<string, unknown>; mac?: unknown } | undefined;
  if (content?.version !== 3 || !sealed || sealed.cipher !== "aes-128-ctr") throw new Error("this is no key file of version 3");
  const derived = await derive(sealed.kdf, sealed.kdfparams ?? {}, password);
  const ciphertext = hex(sealed.ciphertext, 32);
  if (!same(keccak_256(concatBytes(derived.subarray(16, 32), ciphertext)), hex(sealed.mac, 32))) throw new Error("the password is wrong");
  const aes = await crypto.subtle.importKey("raw", new Uint8Array(derived.subarray(0, 16)), "AES-CTR", false, ["decrypt"]);
  const counter = new Uint8Array(hex(sealed.cipherparams?.iv, 16));
  return signWith(new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: 128 }, aes, new Uint8Array(ciphertext))));
}
