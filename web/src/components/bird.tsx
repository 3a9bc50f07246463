// The mark of the studio.
export function Bird() {
  return (
    <svg class="bird" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <path d="M3 21c6 1 9-1 11-6 2-4 7-7 11-4l4 1-4 2c0 8-6 13-13 13-4 0-7-2-9-6z" fill="var(--accent)" />
      <circle cx="24" cy="12.4" r="1.2" fill="var(--surface)" />
      <g fill="var(--speckle)">
        <circle cx="12" cy="21.5" r="1" />
        <circle cx="16" cy="18" r="1" />
        <circle cx="16" cy="23" r="1" />
        <circle cx="20" cy="20.5" r="1" />
        <circle cx="19.5" cy="15.5" r="1" />
      </g>
    </svg>
  );
}
