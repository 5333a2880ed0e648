// A chat that the proxy remembers, without any package (Node 18 or later): a plain answer, then a streamed one.
//
//     node fetch.mjs "My name is Alex." "What is my name?"

import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: process.env.QWEN_PROXY_URL ?? 'http://127.0.0.1:3264' },
    key: { type: 'string', default: process.env.QWEN_PROXY_KEY ?? 'not-needed' },
    help: { type: 'boolean' },
  },
});
if (values.help) {
  console.log('node fetch.mjs [--url ADDRESS_OF_THE_PROXY] [--key API_KEY] [FIRST_QUESTION [SECOND_QUESTION]]');
  process.exit();
}

async function post(body) {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${values.key}` };
  const answer = await fetch(`${values.url}/api/chat`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`The proxy refused: ${(await answer.json()).error}`);
  return answer;
}

async function* frames(answer) {
  let rest = '';
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop(); // the last line may go on in the next piece
    yield* lines.filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)));
  }
}

try {
  const [first = 'My name is Alex.', second = 'What is my name?'] = positionals;
  const { chatId, choices } = await (await post({ message: first })).json();
  console.log(choices[0].message.content);

  for await (const frame of frames(await post({ message: second, chatId, stream: true }))) {
    if (frame.error) throw new Error(`The answer broke off: ${frame.error.message}`);
    process.stdout.write(frame.choices[0].delta.content ?? '');
  }
  console.log();
} catch (error) {
  const unreachable = error instanceof TypeError; // what fetch throws
  console.error(unreachable ? `Nothing answers at ${values.url}. Start it with scripts/start, or scripts/start --sandbox.` : error.message);
  process.exitCode = 1;
}
