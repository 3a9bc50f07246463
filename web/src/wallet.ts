// The visitor's own account on the network: a wallet of the browser (EIP-1193), which signs what it is shown as EIP-712
// typed data. This page never sees its key.
import { askJson } from "./api";
import { type ChainStatus, getAccount, getStatus } from "./network";
import { Store } from "./store";

interface Eip1193 {
  request(asked: { method: string; params?: unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
}

const injected = (): Eip1193 | undefined => (window as { ethereum?: Eip1193 }).ethereum;
export const hasWallet = () => injected() !== undefined;

// The address that the wallet lent this page, if it did.
export const account = new Store<string | null>(null);

let listening = false;

export async function connect(): Promise<void> {
  const wallet = injected();
  if (!wallet) return;
  const accounts = (await wallet.request({ method: "eth_requestAccounts" })) as string[];
  account.set(accounts[0] ?? null);
  if (!listening) wallet.on?.("accountsChanged", (changed) => account.set((changed as string[])[0] ?? null));
  listening = true;
}

export const disconnect = () => account.set(null);

interface Field {
  name: string;
  type: string;
}

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

// Has the wallet sign the message and hands it to the network. Throws what the wallet or the ledger says against it.
export async function send(primaryType: MessageName, values: Record<string, string>): Promise<Sent> {
  const wallet = injected();
  const from = account.value;
  if (!wallet || !from) throw new Error("no wallet");
  const [status, { nonce }] = await Promise.all([getStatus(), getAccount(from)]);
  const domain = { name: "Starling", version: "1", chainId: Number(status.chain_id) };
  const types = { EIP712Domain: DOMAIN, [primaryType]: [...MESSAGES[primaryType], ...ENVELOPE] };
  const message = { ...values, from, nonce, fee: feeOf(status) };
  const typed = JSON.stringify({ types, domain, primaryType, message });
  const signature = (await wallet.request({ method: "eth_signTypedData_v4", params: [from, typed] })) as string;
  const { results } = await askJson<{ results: Sent[] }>("/v1/network/transactions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ domain, primaryType, message, signature }),
  });
  const [sent] = results;
  if (!sent || sent.code !== 0) throw new Error(sent?.message ?? "no answer");
  return sent;
}
