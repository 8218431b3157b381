"use strict";
// The clip browser. Its data are columns of whole thousandths, packed by clips.py; -1 stands for nothing there.
// Text from outside reaches the page as text only (textContent), never as markup.
const PER_PAGE = 12;
const COLOURS = { votes: "#767676", text: "#e69f00", token: "#0072b2" };
const UNASKED = { name: "", answers: [], tokens: [], levels: {} };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const decimal = (thousandths, digits = 3) => (thousandths < 0 ? "–" : (thousandths / 1000).toFixed(digits));

async function unpack(id) {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

class ClipBrowser {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.sounds = null;
    this.first = 0;
    this.linked = null;
    this.controls = Object.fromEntries([...root.querySelectorAll("[name]")].map((c) => [c.name, c]));
    this.list = root.querySelector("ol");
    this.told = root.querySelector("[role=status]");
    this.fillControls();
    root.querySelector("form").addEventListener("input", () => this.select());
    root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    root.querySelector("[data-do=csv]").addEventListener("click", () => this.saveCsv());
    root.querySelector("[data-do=all]").addEventListener("click", () => this.showAll());
    root.querySelector("[data-do=before]").addEventListener("click", () => this.turn(-PER_PAGE));
    root.querySelector("[data-do=after]").addEventListener("click", () => this.turn(PER_PAGE));
    this.select();
  }

  // A corpus that nothing was asked about has no question.
  get question() {
    return this.data.questions[this.controls.question.value] ?? UNASKED;
  }

  // The question chosen, and the one beside it.
  get shown() {
    return [this.question, this.data.questions[this.controls.beside.value]].filter((one) => one && one !== UNASKED);
  }

  fillControls() {
    const { data, controls } = this;
    const offer = (control, names) => names.forEach((name, n) => control.append(make("option", { value: n }, name)));
    offer(controls.question, data.questions.map((question) => question.name));
    offer(controls.beside, data.questions.map((question) => question.name));
    if (data.beside !== null) controls.beside.options[data.beside + 1].defaultSelected = true;
    const used = new Set(data.questions.flatMap((q) => Object.values(q.levels).flatMap((level) => level.status)));
    data.statuses.forEach((status, n) => used.has(n) && controls.status.append(make("option", { value: n }, status)));
    offer(controls.speaker, data.speakers.map((speaker) => speaker || "unknown"));
    offer(controls.label, data.labels);
    controls.question.parentElement.hidden = controls.beside.parentElement.hidden = data.questions.length < 2;
    controls.status.parentElement.hidden = data.questions.length === 0;
    for (const option of [...controls.sort.options]) if (!this.sortable(option.value)) option.remove();
    controls.speaker.parentElement.hidden = data.speakers.length < 2;
    controls.label.parentElement.hidden = data.labels.length === 0;
  }

  // Of two questions, A or B before what belongs to it.
  letter(n, words) {
    return this.shown.length > 1 ? `${"AB"[n]} ${words}` : words;
  }

  // Whether any question has numbers to sort by.
  sortable(by) {
    return ["place", "people"].includes(by) || this.data.questions.some((question) => this.columnOf(question, by));
  }

  columnOf({ levels, between }, by) {
    return { people: this.data.entropy, text: levels.text?.from_truth, token: levels.token?.from_truth, between }[by] ?? null;
  }

  // What clips are sorted by: a column of numbers, or null for the order of the corpus.
  sortColumn() {
    return this.columnOf(this.question, this.controls.sort.value);
  }

  select() {
    const { data, controls, question } = this;
    const wanted = controls.search.value.trim().toLowerCase();
    const number = (control) => (control.value === "" ? null : Number(control.value));
    const [status, speaker, label] = [controls.status, controls.speaker, controls.label].map(number);
    const keeps = (clip) =>
      (status === null || Object.values(question.levels).some((level) => level.status[clip] === status)) &&
      (speaker === null || data.speaker[clip] === speaker) &&
      (label === null || this.leads(clip, label)) &&
      (!wanted || `${data.ids[clip]}\n${data.about?.[clip] ?? ""}\n${question.answers[clip] ?? ""}`.toLowerCase().includes(wanted));
    this.selected = data.ids.map((_, clip) => clip).filter(keeps);
    const column = this.sortColumn();
    const sign = controls.least.checked ? 1 : -1;
    const rank = (clip) => (column[clip] < 0 ? Infinity : sign * column[clip]);
    if (column) this.selected.sort((a, b) => rank(a) - rank(b) || a - b);
    else if (controls.least.checked) this.selected.reverse();
    this.first = 0;
    this.draw();
  }

  leads(clip, label) {
    const shares = this.shares(this.data.truth, clip);
    return shares[label] > 0 && shares[label] === Math.max(...shares);
  }

  shares(flat, clip) {
    const n = this.data.labels.length;
    return flat.slice(clip * n, (clip + 1) * n);
  }

  turn(by) {
    this.first = Math.min(Math.max(this.first + by, 0), Math.max(this.selected.length - 1, 0));
    this.first -= this.first % PER_PAGE;
    this.draw();
    this.list.firstElementChild?.focus();
  }

  showAll() {
    this.root.querySelector("form").reset();
    this.select();
  }

  // Show one clip, among all others in their present order.
  goTo(id) {
    const clip = this.data.ids.indexOf(id);
    if (clip < 0) return false;
    if (!this.selected.includes(clip)) this.showAll();
    const place = this.selected.indexOf(clip);
    this.first = place - (place % PER_PAGE);
    this.linked = clip;
    this.draw();
    this.list.children[place % PER_PAGE].focus();
    return true;
  }

  draw() {
    const { selected, first, data } = this;
    const shown = selected.slice(first, first + PER_PAGE);
    this.list.replaceChildren(...shown.map((clip) => this.card(clip)));
    this.list.start = first + 1;
    const range = shown.length ? `${first + 1} to ${first + shown.length} of ` : "";
    this.told.textContent = `${range}${selected.length} selected, ${data.ids.length} in all`;
    this.root.querySelector("[data-do=before]").disabled = first === 0;
    this.root.querySelector("[data-do=after]").disabled = first + PER_PAGE >= selected.length;
    this.root.querySelector("[data-do=csv]").disabled = selected.length === 0;
  }

  card(clip) {
    const { data, question } = this;
    const id = data.ids[clip];
    const link = make("a", { href: `#${new URLSearchParams({ clip: id, corpus: data.corpus })}`, "aria-label": `link to ${id}` }, "link");
    const speaker = data.speakers[data.speaker[clip]];
    const votes = this.shares(data.votes, clip).reduce((sum, n) => sum + n, 0);
    const entropy = data.entropy[clip] >= 0 && `entropy ${decimal(data.entropy[clip], 2)} bit`;
    const facts = [speaker && `speaker ${speaker}`, votes && `${votes} vote${votes === 1 ? "" : "s"}`, entropy];
    const card = make(
      "li",
      { tabindex: "-1", class: clip === this.linked ? "linked" : "" },
      make("h4", {}, make("bdi", {}, id), " ", link),
      make("p", { class: "soft" }, make("bdi", {}, facts.filter(Boolean).join(" · "))),
      data.about?.[clip] ? make("p", {}, make("bdi", {}, data.about[clip])) : null,
      this.player(clip),
      data.labels.length ? this.table(clip) : null,
    );
    for (const [n, question] of this.shown.entries()) {
      if (this.shown.length > 1) card.append(make("h5", {}, make("bdi", {}, this.letter(n, question.name))));
      card.append(...this.said(question, clip), make("p", { class: "soft" }, this.differences(question, clip)));
    }
    return card;
  }

  // What was said, each piece coloured by the probability that the labels held there.
  said({ answers, tokens }, clip) {
    const answer = answers[clip];
    if (answer === null) return [make("p", { class: "said" }, make("em", {}, "not answered"))];
    if (!tokens[clip]) return [make("p", { class: "said" }, "said ", make("q", { dir: "auto" }, answer))];
    const told = make("p", { class: "soft told", "aria-live": "polite" }, "Point at a token, or go to it with the arrow keys, to see what it might have been.");
    const steps = this.steps(tokens[clip].p);
    const text = make("p", { class: "said", dir: "auto" }, tokens[clip].pieces ? "" : `${answer} `);
    // One stop of the tab key for all tokens of an answer; the arrow keys go from one to the next.
    text.addEventListener("keydown", ({ key, target }) => {
      const next = { ArrowRight: target.nextElementSibling, ArrowLeft: target.previousElementSibling }[key];
      next?.focus();
    });
    let at = 0;
    for (const [piece, count] of tokens[clip].pieces ?? steps.map((_, n) => [`[${n + 1}]`, 1])) {
      text.append(this.piece(piece, steps.slice(at, at + count), at, told));
      at += count;
    }
    return [text, told];
  }

  steps(flat) {
    const n = this.data.labels.length;
    return Array.from({ length: flat.length / n }, (_, t) => {
      const shares = flat.slice(t * n, (t + 1) * n);
      return { shares, mass: shares.reduce((sum, share) => sum + share, 0) };
    });
  }

  piece(text, steps, at, told) {
    const mass = Math.max(...steps.map((step) => step.mass));
    const piece = make("button", { type: "button", class: "token", tabindex: at ? -1 : 0 }, text.trim() === "" ? `${text}·` : text);
    piece.style.setProperty("--mass", `${Math.min(mass / 10, 100) * 0.45}%`);
    const tell = () => told.replaceChildren(...steps.flatMap((step, n) => [n ? make("br") : "", this.alternatives(step, at + n)]));
    piece.addEventListener("mouseenter", tell);
    piece.addEventListener("focus", tell);
    piece.addEventListener("click", tell);
    return piece;
  }

  alternatives({ shares, mass }, step) {
    const named = this.data.labels.map((label, n) => [shares[n], label]).filter(([share]) => share > 0);
    const labels = named.sort((a, b) => b[0] - a[0]).map(([share, label]) => `${label} ${decimal(share)}`);
    return `token ${step + 1}: ${decimal(mass)} on labels${labels.length ? ` (${labels.join(", ")})` : ""}`;
  }

  differences({ levels, between }, clip) {
    const parts = Object.entries(levels).map(([name, level]) => {
      const status = level.status[clip] < 0 ? "not asked" : this.data.statuses[level.status[clip]];
      return `${name} level ${status}, ${decimal(level.from_truth[clip])} bit from ${this.data.people}`;
    });
    if (between) parts.push(`${decimal(between[clip])} bit between the levels`);
    return parts.join(" · ");
  }

  table(clip) {
    const { data, shown } = this;
    const series = [
      [data.people, "votes", data.truth],
      ...shown.flatMap((question, n) => Object.entries(question.levels).map(([name, level]) => [this.letter(n, name), name, level.p])),
    ];
    const columns = series.map(([, colour, flat]) => [colour, this.shares(flat, clip)]);
    const votes = this.shares(data.votes, clip);
    const head = make("tr", {}, make("th", { scope: "col" }, "label"), ...series.map(([name]) => make("th", { scope: "col" }, name)));
    const rows = data.labels.map((label, n) =>
      make("tr", {}, make("th", { scope: "row" }, label), ...columns.map(([colour, shares]) => this.cell(colour, shares[n], colour === "votes" && votes[n]))),
    );
    return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  }

  cell(colour, share, votes) {
    const cell = make("td", {}, decimal(share, 2));
    if (share < 0) return cell;
    if (votes) cell.title = `${votes} vote${votes === 1 ? "" : "s"}`;
    const bar = make("i");
    bar.style.width = `${share / 10}%`;
    bar.style.background = COLOURS[colour];
    cell.append(bar);
    return cell;
  }

  player(clip) {
    const { how, sources } = this.data.sound;
    if (how === "none") return null;
    const source = how === "link" ? sources[clip] : this.embedded(clip);
    const missing = () => make("p", { class: "soft" }, source ? "This browser cannot play the file." : "The sound file is gone.");
    if (!source) return missing();
    const player = make("audio", { controls: "", preload: "none", "aria-label": `the clip ${this.data.ids[clip]}`, src: source });
    player.addEventListener("error", () => player.replaceWith(missing()));
    player.addEventListener("play", () => document.querySelectorAll("audio").forEach((other) => other !== player && other.pause()));
    return player;
  }

  embedded(clip) {
    this.sounds ??= JSON.parse(document.getElementById(this.data.sound.id).textContent);
    return this.sounds[clip] && `data:audio/ogg;base64,${this.sounds[clip]}`;
  }

  saveCsv() {
    const { data } = this;
    const columns = [
      ["corpus", () => data.corpus],
      ["utterance", (clip) => data.ids[clip]],
      ["speaker", (clip) => data.speakers[data.speaker[clip]]],
      ...data.labels.map((label, n) => [`votes.${label}`, (clip) => this.shares(data.votes, clip)[n]]),
      ...data.labels.map((label, n) => [`truth.${label}`, (clip) => numeric(this.shares(data.truth, clip)[n])]),
      ["truth_entropy_bits", (clip) => numeric(data.entropy[clip])],
      ...this.shown.flatMap((question, n) => this.csvColumns(question, n ? "beside." : "")),
    ];
    const rows = [columns.map(([name]) => name), ...this.selected.map((clip) => columns.map(([, of]) => of(clip)))];
    saveFile(`${data.corpus}-clips.csv`, "text/csv", csv(rows));
  }

  csvColumns(question, prefix) {
    const { labels, statuses } = this.data;
    const columns = [
      ["question", () => question.name],
      ["answer", (clip) => question.answers[clip] ?? ""],
      ...Object.entries(question.levels).flatMap(([name, level]) => [
        [`${name}.readout`, () => level.readout],
        [`${name}.status`, (clip) => statuses[level.status[clip]] ?? ""],
        ...labels.map((label, n) => [`${name}.p.${label}`, (clip) => numeric(this.shares(level.p, clip)[n])]),
        [`${name}.jsd_bits`, (clip) => numeric(level.from_truth[clip])],
      ]),
      ...(question.between ? [["between_levels.jsd_bits", (clip) => numeric(question.between[clip])]] : []),
    ];
    return columns.map(([name, of]) => [prefix + name, of]);
  }
}

const numeric = (thousandths) => (thousandths < 0 ? "" : thousandths / 1000);

function openLinked(browsers) {
  const asked = new URLSearchParams(location.hash.slice(1));
  const id = asked.get("clip");
  if (id === null) return;
  browsers.filter((one) => [null, one.data.corpus].includes(asked.get("corpus"))).some((one) => one.goTo(id));
}

async function openBrowsers() {
  const browsers = [];
  for (const root of document.querySelectorAll("[data-clips]")) {
    try {
      browsers.push(new ClipBrowser(root, await unpack(root.dataset.clips)));
      root.hidden = false;
    } catch (error) {
      root.before(make("p", { class: "warning" }, `The clips cannot be shown: ${error.message}. A newer browser may help.`));
    }
  }
  openLinked(browsers);
  addEventListener("hashchange", () => openLinked(browsers));
}
openBrowsers();
