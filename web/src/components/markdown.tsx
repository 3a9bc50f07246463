// Text that somebody wrote in Markdown: headings, paragraphs, lists, tables, code, emphasis. Everything else is shown as
// it is written, markup and addresses too, so nothing in it can do anything.
import type { ComponentChildren } from "preact";

type Block =
  | { kind: "heading"; level: number; text: string }
  | { kind: "list"; items: string[] }
  | { kind: "table"; rows: string[][] }
  | { kind: "code"; text: string }
  | { kind: "paragraph"; text: string };

const cells = (line: string) => line.replace(/^\s*\||\|\s*$/g, "").split("|").map((cell) => cell.trim());
const isTable = (line: string) => /^\s*\|/.test(line);
const isItem = (line: string) => /^\s*[-*] /.test(line);
const isHeading = (line: string) => /^#{1,6} /.test(line);
const isFence = (line: string) => line.startsWith("```");

function blocks(text: string): Block[] {
  // What stands before the text, between two lines of hyphens, is for machines.
  const lines = text.replace(/^---\n[^]*?\n---\n/, "").split("\n");
  const found: Block[] = [];
  let at = 0;
  const take = (while_: (line: string) => boolean) => {
    const from = at;
    while (at < lines.length && while_(lines[at]!)) ++at;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at]!;
    if (line.trim() === "") {
      ++at;
    } else if (isHeading(line)) {
      const level = line.indexOf(" ");
      found.push({ kind: "heading", level, text: line.slice(level + 1) });
      ++at;
    } else if (isFence(line)) {
      ++at;
      found.push({ kind: "code", text: take((one) => !isFence(one)).join("\n") });
      ++at;
    } else if (isTable(line)) {
      const rows = take(isTable).filter((row) => !/^[\s|:-]+$/.test(row));
      found.push({ kind: "table", rows: rows.map(cells) });
    } else if (isItem(line)) {
      found.push({ kind: "list", items: take(isItem).map((item) => item.replace(/^\s*[-*] /, "")) });
    } else {
      const rest = take((one) => one.trim() !== "" && !isHeading(one) && !isFence(one) && !isTable(one) && !isItem(one));
      found.push({ kind: "paragraph", text: rest.join(" ") });
    }
  }
  return found;
}

// `code`, **strong**, *emphasis*, and [what a link says](where it leads).
const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]*)\]\([^)]*\)/g;

function inline(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(text.slice(last, match.index));
    last = match.index + match[0].length;
    if (match[1] !== undefined) parts.push(<code>{match[1]}</code>);
    else if (match[2] !== undefined) parts.push(<strong>{match[2]}</strong>);
    else if (match[3] !== undefined) parts.push(<em>{match[3]}</em>);
    else parts.push(match[4]);
  }
  parts.push(text.slice(last));
  return parts;
}

function show(block: Block, index: number) {
  switch (block.kind) {
    case "heading":
      // The page has its own first two levels.
      return block.level <= 2 ? <h3 key={index}>{inline(block.text)}</h3> : <h4 key={index}>{inline(block.text)}</h4>;
    case "list":
      return (
        <ul key={index}>
          {block.items.map((item, i) => (
            <li key={i}>{inline(item)}</li>
          ))}
        </ul>
      );
    case "table":
      return (
        <div key={index} class="wide-table" tabIndex={0} role="group" aria-label={block.rows[0]?.join(", ")}>
          <table>
            <thead>
              <tr>
                {block.rows[0]?.map((cell, i) => (
                  <th key={i} scope="col">
                    {inline(cell)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.slice(1).map((row, i) => (
                <tr key={i}>
                  {row.map((cell, j) => (
                    <td key={j}>{inline(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case "code":
      return <pre key={index}>{block.text}</pre>;
    case "paragraph":
      return <p key={index}>{inline(block.text)}</p>;
  }
}

export function Markdown({ text }: { text: string }) {
  return <div class="markdown">{blocks(text).map(show)}</div>;
}
