// A small picture of an address, so that it is known again: 5 × 5, alike on both sides.
export function AddressPicture({ address, size = 36 }: { address: string; size?: number }) {
  const digits = [...address.slice(2)].map((digit) => parseInt(digit, 16));
  const hue = ((digits[0] ?? 0) * 16 + (digits[1] ?? 0)) * 1.4;
  const cells = Array.from({ length: 15 }, (_, i) => i).filter((i) => (digits[i + 2] ?? 0) % 2 === 1);
  return (
    <svg class="address" viewBox="0 0 5 5" width={size} height={size} aria-hidden="true" shape-rendering="crispEdges">
      <g fill={`hsl(${hue} 55% 55%)`}>
        {cells.flatMap((i) => {
          const x = i % 3;
          const y = Math.floor(i / 3);
          return [...new Set([x, 4 - x])].map((column) => <rect key={`${column},${y}`} x={column} y={y} width="1" height="1" />);
        })}
      </g>
    </svg>
  );
}

// An account, short, that leads to its page.
export function Address({ address }: { address: string }) {
  return (
    <a class="account" href={`#/account/${encodeURIComponent(address)}`} title={address}>
      <AddressPicture address={address} size={20} />
      <code>{`${address.slice(0, 6)}…${address.slice(-4)}`}</code>
    </a>
  );
}
