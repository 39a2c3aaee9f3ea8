// Classifies a text and marks its entities, in the browser alone: models, code and WebAssembly come from this server.
import { env, pipeline } from "@huggingface/transformers";

const here = (path) => new URL(path, document.baseURI).pathname;
const element = (id) => document.getElementById(id);

env.allowLocalModels = true;
env.allowRemoteModels = false;
env.localModelPath = here("models/");
env.useBrowserCache = false; // a model that is exported again counts at once
env.useWasmCache = false;
env.backends.onnx.wasm.wasmPaths = here("node_modules/onnxruntime-web/dist/");
env.backends.onnx.wasm.numThreads = 1; // more need headers that a plain server does not send

// Folders under models/: ?classify=NAME&tag=NAME; one that is empty is left out.
const asked = new URLSearchParams(location.search);
const folders = { classify: asked.get("classify") ?? "classify", tag: asked.get("tag") ?? "tag" };
const tasks = { classify: "text-classification", tag: "token-classification" };
const models = {};

async function load() {
  for (const [kind, folder] of Object.entries(folders)) {
    if (folder) models[kind] = await pipeline(tasks[kind], folder, { device: "wasm", dtype: "q8" });
  }
}

async function answer(text) {
  const classes = models.classify ? await models.classify(text, { top_k: null }) : [];
  const tokens = models.tag ? await models.tag(text, { ignore_labels: [] }) : [];
  return { classes, entities: entitiesOf(text, tokens) };
}

// Joins tokens to entities. A word has the label of its first piece, as models are trained; the other pieces, ##s,
// follow it.
function entitiesOf(text, tokens) {
  const entities = [];
  let open = null;
  for (const { word, entity: label, score, start, end } of located(text, tokens)) {
    if (word.startsWith("##")) {
      if (open) open.end = end;
      continue;
    }
    const [, prefix, type] = label.match(/^([BIES])-(.*)$/) ?? [null, "I", label];
    if (label === "O") {
      open = null;
    } else if (open?.type === type && prefix !== "B" && prefix !== "S") {
      open.end = end;
      open.scores.push(score);
    } else {
      entities.push((open = { type, start, end, scores: [score] }));
    }
  }
  return entities.map(({ type, start, end, scores }) => ({
    label: type,
    text: text.slice(start, end),
    start,
    end,
    score: scores.reduce((sum, score) => sum + score) / scores.length,
  }));
}

// Finds where tokens stand in a text: a tokenizer gives them in its own spelling, perhaps in lower case.
function located(text, tokens) {
  const places = [];
  let plain = "";
  for (let start = 0; start < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(start));
    for (const letter of spelled(character)) {
      plain += letter;
      places.push([start, start + character.length]);
    }
    start += character.length;
  }
  let from = 0;
  return tokens.flatMap((token) => {
    const letters = spelled(token.word.replace(/^##/, "")).join("");
    const at = letters ? plain.indexOf(letters, from) : -1;
    if (at < 0) return []; // such as [UNK]
    from = at + letters.length;
    return [{ ...token, start: places[at][0], end: places[from - 1][1] }];
  });
}

// UTF-16 units without blanks, accents and case.
function spelled(text) {
  return text.normalize("NFD").replace(/[\s\p{Mn}]/gu, "").toLowerCase().split("");
}

function show(text, { classes, entities }) {
  element("classes").textContent = classes.map(({ label, score }) => `${label} ${(100 * score).toFixed(1)} %`).join(", ");
  const parts = [];
  let end = 0;
  for (const entity of entities) {
    const mark = document.createElement("mark");
    const type = document.createElement("small");
    type.textContent = entity.label;
    mark.append(entity.text, type);
    parts.push(text.slice(end, entity.start), mark);
    end = entity.end;
  }
  element("entities").replaceChildren(...parts, text.slice(end));
}

function say(message, isError = false) {
  element("status").textContent = message;
  element("status").className = isError ? "error" : "";
}

element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = element("text").value;
  try {
    const start = performance.now();
    const answers = await answer(text);
    show(text, answers);
    say(`${(performance.now() - start).toFixed(0)} ms`);
    element("form").dataset.answers = JSON.stringify(answers);
  } catch (error) {
    say(error.message, true);
  }
});

try {
  await load();
  element("answer").disabled = false;
  say("");
} catch (error) {
  say(error.message, true);
}
