// Reads rows as they arrive, draws them, and stops reading while it is paused: then the connection fills up, the server waits, and so
// does its cursor.

const show = (id, text) => { document.getElementById(id).textContent = text; };
const button = (id) => document.getElementById(id);
const count = (n) => n.toLocaleString("en");
const seconds = (ms) => `${count(Math.round(ms))} ms`;

const LAST = 12; // rows in the table
const COLUMNS = 1200; // of the chart; each is the mean of the rows that fall into it

let run = null;
let tableRows = 1_000_000;

class Run {
  constructor() {
    this.name = window.exportName = crypto.randomUUID();
    this.abort = new AbortController();
    this.began = performance.now();
    this.rows = 0;
    this.last = [];
    this.sums = new Float64Array(COLUMNS);
    this.counts = new Uint32Array(COLUMNS);
    this.resumed = Promise.resolve(); // while it is paused, not resolved
    this.resume = null;
  }

  pause() {
    this.resumed = new Promise((resolve) => { this.resume = resolve; });
  }

  add(row) {
    if (this.rows++ === 0) show("first", seconds(performance.now() - this.began));
    this.last.push(row);
    if (this.last.length > LAST) this.last.shift();
    const column = Math.min(COLUMNS - 1, Math.floor((row.id / tableRows) * COLUMNS));
    this.sums[column] += row.value;
    this.counts[column]++;
  }
}

async function* lines(response, run) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    await run.resumed;
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const line of parts) yield line;
  }
  if (rest) throw new Error("the last line was cut");
}

async function stream(run) {
  const query = new URLSearchParams({ export: run.name });
  if (button("fail").checked) query.set("fail", "1");
  const response = await fetch(`/rows?${query}`, { signal: run.abort.signal });
  for await (const line of lines(response, run)) {
    const row = JSON.parse(line);
    if ("$error" in row) throw new Error(row.$error);
    if ("$end" in row) return row.$end === run.rows;
    run.add(row);
  }
  return false; // nothing said that these were all
}

async function usual(run) {
  const response = await fetch("/usual", { signal: run.abort.signal });
  for (const row of await response.json()) run.add(row);
  return true;
}

async function start(way) {
  run?.abort.abort();
  const mine = (run = new Run());
  outcome("", "reading ...");
  for (const id of ["first", "total", "cursor", "open"]) show(id, "");
  button("pause").disabled = way !== stream;
  button("cancel").disabled = false;
  button("pause").textContent = "Pause";
  try {
    const isWhole = await way(mine);
    if (mine !== run) return;
    show("total", seconds(performance.now() - mine.began));
    outcome(isWhole ? "complete" : "failed", isWhole ? "complete" : `cut after ${count(mine.rows)} rows`);
  } catch (error) {
    if (mine !== run) return;
    const isCancelled = error.name === "AbortError";
    outcome(isCancelled ? "" : "failed", `${isCancelled ? "cancelled" : `failed: ${error.message},`} after ${count(mine.rows)} rows`);
  }
  button("pause").disabled = button("cancel").disabled = true;
}

function outcome(kind, text) {
  button("outcome").className = kind;
  show("outcome", text);
}

function draw() {
  requestAnimationFrame(draw);
  if (!run) return;
  show("rows", count(run.rows));
  button("last").replaceChildren(...run.last.slice().reverse().map((row) => {
    const tr = document.createElement("tr");
    for (const text of [row.id, new Date(row.at * 1000).toISOString().slice(0, 19), row.sensor, row.value.toFixed(2)]) {
      tr.appendChild(document.createElement("td")).textContent = text;
    }
    return tr;
  }));
  const canvas = button("chart");
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.strokeStyle = "#1f5fa8";
  pen.lineWidth = 2;
  pen.beginPath();
  for (let x = 0; x < COLUMNS; x++) {
    if (run.counts[x]) pen.lineTo(x, canvas.height - (run.sums[x] / run.counts[x] / 45) * canvas.height);
  }
  pen.stroke();
}

async function poll() {
  try {
    const response = await fetch(`/status?export=${run ? run.name : ""}`);
    const { row, is_open, table_rows, memory } = await response.json();
    tableRows = table_rows;
    show("memory", `${(memory / 1048576).toFixed(1)} MiB`);
    if (row) {
      show("cursor", `at row ${count(row)}`);
      show("open", is_open ? "open" : "closed");
    }
  } finally {
    setTimeout(poll, 200);
  }
}

button("start").onclick = () => start(stream);
button("usual").onclick = () => start(usual);
button("cancel").onclick = () => { run.resume?.(); run.abort.abort(); };
button("pause").onclick = () => {
  if (run.resume) {
    run.resume();
    run.resume = null;
    button("pause").textContent = "Pause";
  } else {
    run.pause();
    button("pause").textContent = "Go on";
  }
};
draw();
poll();
