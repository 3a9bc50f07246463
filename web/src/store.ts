import { useEffect, useState } from "preact/hooks";

// A value that components watch.
export class Store<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const listener of [...this.listeners]) listener();
  }

  use(): T {
    const [, redraw] = useState({});
    useEffect(() => {
      const listener = () => redraw({});
      this.listeners.add(listener);
      listener();
      return () => void this.listeners.delete(listener);
    }, []);
    return this.current;
  }
}

// What is kept in this browser under a name; nothing where it keeps nothing.
export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`starling.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`starling.${name}`);
    else localStorage.setItem(`starling.${name}`, value);
  } catch {
    // Then it lasts until the page is closed.
  }
}
