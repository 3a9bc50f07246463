// Where the visitor is, after the # of the address, so that the server need know one page only.
import { Store } from "./store";

export interface Route {
  page: string;
  rest: string;
  query: URLSearchParams;
}

function read(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const slash = path.indexOf("/");
  const page = slash < 0 ? path : path.slice(0, slash);
  return { page, rest: slash < 0 ? "" : path.slice(slash + 1), query: new URLSearchParams(query) };
}

export const route = new Store<Route>(read());
addEventListener("hashchange", () => route.set(read()));

export const go = (hash: string) => void (location.hash = hash);
