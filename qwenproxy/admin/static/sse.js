// Reads server-sent events from a POST, which EventSource cannot make.

/** Yield the data of each event of a stream of bytes. */
export async function* frames(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const pieces = text.split(/\r?\n\r?\n/);
      text = pieces.pop();
      for (const piece of pieces) {
        const data = piece.split(/\r?\n/).filter(line => line.startsWith("data:")).map(line => line.slice(5).trimStart());
        if (data.length) yield data.join("\n");
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
