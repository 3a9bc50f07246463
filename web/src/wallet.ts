// The visitor's own account on the network. What it sends is signed as EIP-712 typed data: by a wallet of the browser
// (EIP-1193), whose key this page never sees, or by a key from a file.
import { askJson } from "./api";
import type { Field, Signer, TypedData } from "./local_key";
import { type ChainStatus, getAccount, getStatus } from "./network";
import { Store } from "./store";

interface Eip1193 {
  request(asked: { method: string; params?: unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
}

const injected = (): Eip1193 | undefined => (window as { ethereum?: Eip1193 }).ethereum;
export const hasWallet = () => injected() !== undefined;

// The account that signs, if there is one.
export const account = new Store<string | null>(null);
let signer: Signer | null = null;

function use(chosen: Signer | null): void {
  signer = chosen;
  account.set(chosen?.address ?? null);
}

let listening = false;

export async function connect(): Promise<void> {
  const wallet = injected();
  if (!wallet) return;
  const accounts = (await wallet.request({ method: "eth_requestAccounts" })) as string[];
  const lent = (address: string | undefined): Signer | null =>
    address === undefined ? null : { address, sign: async (typed) => (await wallet.request({ method: "eth_signTypedData_v4", params: [address, JSON.stringify(typed)] })) as string };
  use(lent(accounts[0]));
  if (!listening) wallet.on?.("accountsChanged", (changed) => use(lent((changed as string[])[0])));
  listening = true;
}

// Has the wallet of the browser take this chain, and turn to it: some sign for none that they do not know.
export async function addChain(): Promise<void> {
  const { chain_id: chain } = await getStatus();
  await injected()?.request({
    method: "wallet_addEthereumChain",
    params: [
      {
        chainId: `0x${BigInt(chain).toString(16)}`,
        chainName: `Starling ${chain}`,
        nativeCurrency: { name: "Credit", symbol: "CREDIT", decimals: 18 },
        rpcUrls: [`${location.origin}/v1/network/rpc`],
      },
    ],
  });
}

// Loaded when it is needed: most visitors have a wallet, or none.
export async function openFile(file: File, password: string): Promise<void> {
  const { openKeyFile } = await import("./local_key");
  use(await openKeyFile(file, password));
}

export const disconnect = () => use(null);

// The messages that this page sends (docs/ledger.md), as their types are written down in it.
const MESSAGES = {
  Transfer: [
    { name: "to", type: "address" },
    { name: "motes", type: "uint64" },
  ],
  AddStake: [{ name: "motes", type: "uint64" }],
  WithdrawStake: [{ name: "motes", type: "uint64" }],
} satisfies Record<string, Field[]>;
export type MessageName = keyof typeof MESSAGES;

const ENVELOPE: Field[] = [
  { name: "from", type: "address" },
  { name: "nonce", type: "uint64" },
  { name: "fee", type: "uint64" },
];
const DOMAIN: Field[] = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
];

// More than any of these messages needs.
const MOST_BYTES = 512n;
const MOST_WORK = 64n;
export const feeOf = (status: ChainStatus) => String(BigInt(status.fee_per_byte) * MOST_BYTES + BigInt(status.fee_per_work) * MOST_WORK);

interface Sent {
  id: string;
  code: number;
  message?: string;
  height: string;
}

// Has the message signed and hands it to the network. Throws what the wallet or the ledger says against it.
export async function send(primaryType: MessageName, values: Record<string, string>): Promise<Sent> {
  const by = signer;
  if (!by) throw new Error("no account signs");
  const [status, { nonce }] = await Promise.all([getStatus(), getAccount(by.address)]);
  const typed: TypedData = {
    types: { EIP712Domain: DOMAIN, [primaryType]: [...MESSAGES[primaryType], ...ENVELOPE] },
    domain: { name: "Starling", version: "1", chainId: Number(status.chain_id) },
    primaryType,
    message: { ...values, from: by.address, nonce, fee: feeOf(status) },
  };
  const signature = await by.sign(typed);
  const { results } = await askJson<{ results: Sent[] }>("/v1/network/transactions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ domain: typed.domain, primaryType, message: typed.message, signature }),
  });
  const [sent] = results;
  if (!sent || sent.code !== 0) throw new Error(sent?.message ?? "no answer");
  return sent;
}
