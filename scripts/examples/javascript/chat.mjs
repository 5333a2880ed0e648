// Ask with the official OpenAI package: the first question whole, the second streamed.
//
//     npm install && node chat.mjs "What is the capital of France?" "Tell me a story about it."

import { parseArgs } from 'node:util';
import OpenAI from 'openai';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: process.env.QWEN_PROXY_URL ?? 'http://127.0.0.1:3264' },
    key: { type: 'string', default: process.env.QWEN_PROXY_KEY ?? 'not-needed' },
    help: { type: 'boolean' },
  },
});
if (values.help) {
  console.log('node chat.mjs [--url ADDRESS_OF_THE_PROXY] [--key API_KEY] [FIRST_QUESTION [SECOND_QUESTION]]');
  process.exit();
}
const [question = 'What is the capital of France?', another = 'Tell me a story about it.'] = positionals;
const client = new OpenAI({ baseURL: `${values.url}/v1`, apiKey: values.key });

try {
  const messages = [{ role: 'user', content: question }];
  const answer = await client.chat.completions.create({ model: 'qwen-max', messages });
  console.log(answer.choices[0].message.content);

  // the route remembers nothing: what was said goes along
  messages.push(answer.choices[0].message, { role: 'user', content: another });
  const stream = await client.chat.completions.create({ model: 'qwen-max', messages, stream: true });
  for await (const chunk of stream) {
    process.stdout.write(chunk.choices[0]?.delta?.content ?? '');
  }
  console.log();
} catch (error) {
  console.error(
    error instanceof OpenAI.APIConnectionError
      ? `Nothing answers at ${values.url}. Start it with scripts/start, or scripts/start --sandbox.`
      : `The proxy refused: ${error.message}`,
  );
  process.exitCode = 1;
}
