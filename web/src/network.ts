// The network behind the server, as the server hands on what a node of it answers.
import { ApiError, askJson } from "./api";
import { Store } from "./store";

export interface ChainStatus {
  chain_id: string;
  height: string;
  time: string; // of the last block, milliseconds since 1970
  head: string;
  fee_per_byte: string;
  fee_per_work: string;
}

export interface Market {
  lowest_rate: string | null;
  median_rate: string | null;
  providers: string;
  parameters: { challenge_time: string; collateral: number; minimum_stake: string; unbonding_time: string };
}

export interface Supply {
  supply: string;
  in_accounts: string;
  in_escrow: string;
  in_stake: string;
  in_fee_account: string;
  accounts: string;
  conserved: boolean;
}

export interface Provider {
  address: string;
  backends: string[];
  memory_mebibytes: string;
  slots: number;
  rate: string;
  endpoint: string;
  stake: string;
  locked: string;
  held: number;
  done: string;
  late: string;
  wrong: string;
  earned: string;
  work_done: string;
  busy_time: string;
  suspended_until: string;
  measured_at: string;
}

export interface Task {
  task: string;
  requester: string;
  model: string;
  program: string;
  parts: number;
  open: number;
  unfinished: number;
  work_per_part: string;
  max_price: string;
  submitted: string;
  deadline: string;
  cancelled: boolean;
}

export type PartState = "open" | "held" | "committed" | "revealed" | "stopped" | "proved" | "paid" | "partly_paid" | "refunded";

export interface Part {
  task: string;
  part: number;
  state: PartState;
  provider: string;
  price: string;
  attempts: number;
  receipt: string;
}

export type Event = { event: string } & Record<string, string>;

export interface Entry {
  height: string;
  time: string;
  id?: string;
  message?: string;
  from?: string;
  fee?: string;
  fault?: string;
  events: Event[];
}

const get = <T>(path: string) => askJson<T>(`/v1/network/${path}`);
const word = encodeURIComponent;
export const getStatus = () => get<ChainStatus>("status");
export const getProvider = (address: string) => get<Provider>(`providers/${word(address)}`);
export const getProviderParts = async (address: string) => (await get<{ parts: Part[] }>(`providers/${word(address)}/parts`)).parts;
export const getTask = (task: string) => get<Task>(`tasks/${word(task)}`);
export const getParts = async (task: string) => (await get<{ parts: Part[] }>(`tasks/${word(task)}/parts`)).parts;
export const getAccount = (address: string) => get<{ address: string; motes: string; nonce: string }>(`accounts/${word(address)}`);
export const getEvents = async (query: string) => (await get<{ entries: Entry[] }>(`events?limit=40${query}`)).entries;

export interface Overview {
  status: ChainStatus;
  market: Market;
  supply: Supply;
  providers: Provider[];
  openTasks: Task[];
  entries: Entry[];
}

export const overview = new Store<Overview | null>(null);
// Why nothing new comes: empty if the network does not answer the server; null while it comes.
export const networkError = new Store<string | null>(null);

const POLL_TIME = 1500; // milliseconds
let watchers = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

async function look(): Promise<void> {
  try {
    const status = await getStatus();
    if (status.head !== overview.value?.status.head) {
      const [market, supply, providers, tasks, entries] = await Promise.all([
        get<Market>("market"),
        get<Supply>("supply"),
        get<{ providers: Provider[] }>("providers?limit=200"),
        get<{ tasks: Task[] }>("tasks?open=1&limit=50"),
        getEvents(""),
      ]);
      overview.set({ status, market, supply, providers: providers.providers, openTasks: tasks.tasks, entries });
    }
    networkError.set(null);
  } catch (error) {
    networkError.set(error instanceof ApiError && error.code === "network_unreachable" ? "" : (error as Error).message);
  }
}

async function again(): Promise<void> {
  timer = undefined;
  if (!document.hidden) await look();
  if (watchers > 0 && timer === undefined) timer = setTimeout(() => void again(), POLL_TIME);
}

// Keeps the overview up to date until what it returns is called.
export function watchNetwork(): () => void {
  if (++watchers === 1 && timer === undefined) void again();
  return () => {
    if (--watchers === 0) clearTimeout(timer);
    if (watchers === 0) timer = undefined;
  };
}

// Who got motes from whom, by what happened.
export interface Flow {
  from: string;
  to: string; // an address, or one of "escrow" and "stake"
  motes: string;
  why: "transfer" | "work" | "royalty" | "returned" | "stake" | "unstake";
  task?: string;
}

export function flowsOf(event: Event): Flow[] {
  const { from = "", to = "", motes = "0", provider = "", requester = "", task } = event;
  const some = (flows: Flow[]) => flows.filter((flow) => flow.motes !== "0").map((flow) => (task === undefined ? flow : { ...flow, task }));
  switch (event.event) {
    case "bank.transferred":
      return some([{ from, to, motes, why: "transfer" }]);
    case "market.staked":
      return some([{ from: provider, to: "stake", motes, why: "stake" }]);
    case "market.withdrawn":
      return some([{ from: "stake", to: provider, motes, why: "unstake" }]);
    case "market.refunded":
      return some([{ from: "escrow", to: requester, motes: event.returned ?? "0", why: "returned" }]);
    case "market.paid": {
      const paid = BigInt(event.paid ?? "0");
      const royalty = BigInt(event.royalty ?? "0");
      return some([
        { from: requester, to: provider, motes: String(paid - royalty), why: "work" },
        { from: requester, to: event.owner ?? "", motes: String(royalty), why: "royalty" },
        { from: "escrow", to: requester, motes: event.returned ?? "0", why: "returned" },
      ]);
    }
    default:
      return [];
  }
}
