// A request as code to copy: for the shell, for Python and for JavaScript; talk with OpenAI's libraries.

const LONG = 200; // characters of a picture or file that the code shows

/** Return a request as code in one language: curl, Python or JavaScript. */
export function requestAsCode(language, { path, body }, address) {
  const short = { ...shortened(body), stream: true };
  if (language === "curl") return curl(address + path, short);
  if (path !== "/v1/chat/completions") return language === "Python" ? pythonPost(address + path, short) : scriptPost(address + path, short);
  return language === "Python" ? pythonTalk(address, short) : scriptTalk(address, short);
}

function curl(url, body) {
  const json = JSON.stringify(body, null, 2).replaceAll("'", "'\\''");
  return `curl -N ${url} -H 'Authorization: Bearer YOUR-KEY' \\\n  -H 'Content-Type: application/json' -d '${json}'`;
}

function pythonTalk(address, body) {
  const fields = Object.entries(body).map(([name, value]) => `    ${name}=${python(value, 1)},`).join("\n");
  return `from openai import OpenAI\n\nclient = OpenAI(base_url="${address}/v1", api_key="YOUR-KEY")\n` +
    `stream = client.chat.completions.create(\n${fields}\n)\n` +
    `for chunk in stream:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or "", end="", flush=True)\n`;
}

function scriptTalk(address, body) {
  const fields = Object.entries(body).map(([name, value]) => `  ${name}: ${JSON.stringify(value, null, 2).replaceAll("\n", "\n  ")},`).join("\n");
  return `import OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${address}/v1", apiKey: "YOUR-KEY" });\n` +
    `const stream = await client.chat.completions.create({\n${fields}\n});\n` +
    `for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");\n`;
}

/** The proxy's own chat is no call of OpenAI's library. */
function pythonPost(url, body) {
  return `import json\n\nimport requests\n\nanswer = requests.post(\n    "${url}",\n    headers={"Authorization": "Bearer YOUR-KEY"},\n` +
    `    json=${python(body, 1)},\n    stream=True,\n)\n` +
    `for line in answer.iter_lines():\n    if line.startswith(b"data: {"):\n        chunk = json.loads(line[6:])\n` +
    `        print(chunk["choices"][0]["delta"].get("content") or "", end="", flush=True)\n`;
}

function scriptPost(url, body) {
  const json = JSON.stringify(body, null, 2).replaceAll("\n", "\n  ");
  return `const answer = await fetch("${url}", {\n  method: "POST",\n` +
    `  headers: { Authorization: "Bearer YOUR-KEY", "Content-Type": "application/json" },\n  body: JSON.stringify(${json}),\n});\n` +
    `let text = "";\nfor await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {\n` +
    `  const lines = (text + piece).split("\\n");\n  text = lines.pop();\n  for (const line of lines.filter(each => each.startsWith("data: {"))) {\n` +
    `    process.stdout.write(JSON.parse(line.slice(6)).choices[0]?.delta.content ?? "");\n  }\n}\n`;
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
