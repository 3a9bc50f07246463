import { useState } from "preact/hooks";
import { apiKey, setKey } from "../api";
import { useTexts } from "../settings";

export function KeyForm() {
  const t = useTexts();
  const key = apiKey.use();
  const [text, setText] = useState("");
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) setKey(text.trim());
        setText("");
      }}
    >
      <label class="field wide">
        <span>{t.keys.label}</span>
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="sk-starling-…"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button class="primary" type="submit">
        {t.keys.save}
      </button>
      {key && (
        <button type="button" onClick={() => setKey(null)}>
          {t.keys.forget}
        </button>
      )}
    </form>
  );
}
