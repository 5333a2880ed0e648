// A request as code to copy: for the shell, for Python and for JavaScript with OpenAI's libraries.

const LONG = 200; // characters of a picture or file that the code shows

/** Return a request's body as code in one language: curl, Python or JavaScript. */
export function requestAsCode(language, body, address) {
  const short = shortened(body);
  if (language === "curl") {
    const json = JSON.stringify({ ...short, stream: true }, null, 2).replaceAll("'", "'\\''");
    return `curl -N ${address}/v1/chat/completions -H 'Authorization: Bearer YOUR-KEY' \\\n  -H 'Content-Type: application/json' -d '${json}'`;
  }
  const { web_search_options: search, ...rest } = short;
  const isPython = language === "Python";
  const form = value => (isPython ? python(value, 1) : JSON.stringify(value, null, 2).replaceAll("\n", "\n  "));
  const fields = Object.entries({ ...rest, ...(search ? { web_search_options: search } : {}), stream: true });
  if (isPython) {
    return `from openai import OpenAI\n\nclient = OpenAI(base_url="${address}/v1", api_key="YOUR-KEY")\n` +
      `stream = client.chat.completions.create(\n${fields.map(([name, value]) => `    ${name}=${form(value)},`).join("\n")}\n)\n` +
      `for chunk in stream:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)\n`;
  }
  return `import OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${address}/v1", apiKey: "YOUR-KEY" });\n` +
    `const stream = await client.chat.completions.create({\n${fields.map(([name, value]) => `  ${name}: ${form(value)},`).join("\n")}\n});\n` +
    `for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");\n`;
}

function shortened(value) {
  if (typeof value === "string") return value.startsWith("data:") && value.length > LONG ? `${value.slice(0, LONG)}…` : value;
  if (Array.isArray(value)) return value.map(shortened);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shortened(each)]));
  return value;
}

function python(value, depth) {
  const indent = "    ".repeat(depth + 1), end = "    ".repeat(depth);
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return value.length ? `[\n${value.map(each => `${indent}${python(each, depth + 1)},`).join("\n")}\n${end}]` : "[]";
  if (typeof value === "object") {
    const entries = Object.entries(value);
    return entries.length ? `{\n${entries.map(([name, each]) => `${indent}${JSON.stringify(name)}: ${python(each, depth + 1)},`).join("\n")}\n${end}}` : "{}";
  }
  return JSON.stringify(value);
}
