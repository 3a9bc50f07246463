#include "cli/bench_peers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/interrupt.h"
#include "base/process.h"
#include "cli/bench_models.h"
#include "cli/bench_operators.h"
#include "cli/bench_products.h"
#include "cli/output.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

using exact::Engine;

// A script, its peer in a word, and the names of what it measures.
struct Script {
  const char* file;
  const char* peer;
  std::span<const std::string_view> names;

  bool measures(const std::string& name) const { return std::ranges::find(names, name) != names.end(); }
};
constexpr std::array<std::string_view, 4> kEverything{"product", "attention", "denoising step", "VAE decode"};
constexpr std::array<std::string_view, 1> kSteps{"denoising step"};
constexpr std::array<Script, 2> kScripts{
    {{"pytorch_models.py", "PyTorch", kEverything}, {"stable_diffusion_cpp.py", "stable-diffusion.cpp", kSteps}}};
constexpr std::chrono::hours kPatience{6};
constexpr const char* kAll = "all";  // a row that is of all that a script measures

// How many times as fast as a peer ours is meant to be: the first row that fits.
struct Target {
  std::string_view name, arithmetic, peer, number;
  double ratio;
};
constexpr std::array<Target, 4> kTargets{{{"attention", "w8a8", "PyTorch", "bf16", 2.0},
                                          {"denoising step", "w8a8", "PyTorch", "bf16", 2.0},
                                          {"denoising step", "w8a8", "stable-diffusion.cpp", "q8_0", 8.0},
                                          {"VAE decode", "f32", "PyTorch", "f32", 1.5}}};

double target_of(const PeerRow& row) {
  for (const Target& one : kTargets) {
    const bool fits = one.name == row.name && row.arithmetic == one.arithmetic && row.peer.starts_with(one.peer) &&
                      row.peer.find(one.number) != std::string::npos;
    if (fits) return one.ratio;
  }
  return 0.0;
}

// Something to measure, in one arithmetic of ours.
struct PeerCase {
  PeerRow row;
  std::function<base::Result<ModelTime>(Engine&, int rounds)> run;
};

std::vector<PeerCase> cases(const PeerOptions& options, int threads) {
  std::vector<PeerCase> all;
  const auto add = [&](std::string name, std::string shape, std::string arithmetic, auto run) {
    PeerRow row;
    row.name = std::move(name);
    row.shape = std::move(shape);
    row.arithmetic = std::move(arithmetic);
    row.threads = threads;
    if (is_wanted(row, options.only)) all.push_back({std::move(row), std::move(run)});
  };
  for (const bool quantised : {false, true}) {
    const std::string arithmetic = quantised ? "w8a8" : "f32";
    for (const std::int64_t tokens : {4096, 16384}) {
      add("attention", std::to_string(tokens) + " tokens, 12 x 128", arithmetic,
          [quantised, tokens](Engine& engine, int rounds) {
            return time_attention(engine, tokens, 12, 128, quantised, rounds);
          });
    }
    constexpr std::array<std::array<std::int64_t, 3>, 2> kGrids{{{5, 16, 16}, {3, 30, 52}}};
    for (const auto& [frames, rows, columns] : kGrids) {
      const std::string of = options.blocks == 30 ? "" : ", " + std::to_string(options.blocks) + " of 30 blocks";
      const StepSize size{options.blocks, frames, rows, columns, quantised};
      add("denoising step", std::to_string(frames * rows * columns) + " tokens" + of, arithmetic,
          [size](Engine& engine, int rounds) { return time_step(engine, size, rounds); });
    }
  }
  add("VAE decode", "17 x 256 x 256", "f32",
      [](Engine& engine, int rounds) { return time_decode(engine, 17, 256, 256, rounds); });
  return all;
}

// Where the scripts lie: below a folder above the program.
base::Result<fs::path> script_folder() {
  STARLING_ASSIGN(const fs::path program, base::own_program());
  std::error_code error;
  for (fs::path folder = program.parent_path();; folder = folder.parent_path()) {
    if (fs::exists(folder / "bench" / "peers" / kScripts[0].file, error)) return folder / "bench" / "peers";
    if (folder == folder.parent_path()) break;
  }
  return base::not_found("there is no bench/peers in a folder above " + program.string() +
                         ": run `starling bench peers` from a source tree");
}

// What a script says of those cases, a line for each of the peer's times.
base::Result<std::vector<PeerRow>> ask(const fs::path& script, const PeerOptions& options,
                                       const std::vector<PeerRow>& ours) {
  std::string wanted;  // "NAME SHAPE;NAME SHAPE"
  for (const PeerRow& row : ours) wanted += (wanted.empty() ? "" : ";") + row.name + " " + row.shape;
  const int threads = ours.front().threads;
  const char* named = std::getenv("STARLING_PEERS_PYTHON");
  const std::string python = named == nullptr ? "python3" : named;
  STARLING_ASSIGN(base::ChildProcess child,
                  base::ChildProcess::start(
                      {"/usr/bin/env", python, script.string(), "--threads", std::to_string(threads), "--rounds",
                       std::to_string(options.rounds), "--blocks", std::to_string(options.blocks), "--cases", wanted},
                      {.log = "/dev/null"}));
  std::vector<PeerRow> rows;
  for (;;) {
    const base::Result<std::string> line = child.read_line(std::chrono::minutes(1));
    if (!line.ok() && line.error().code == base::ErrorCode::kLimit) {
      STARLING_TRY(base::check_interrupt());
      continue;
    }
    if (!line.ok()) break;
    const auto json = base::Json::parse(*line, "a peer's answer");
    if (!json.ok() || !json->is_object()) continue;
    PeerRow row;
    row.threads = threads;
    const auto text = [&](const char* key) { return json->has(key) ? json->text(key) : std::string(); };
    STARLING_ASSIGN(row.name, text("name"));
    STARLING_ASSIGN(row.shape, text("shape"));
    STARLING_ASSIGN(row.peer, text("peer"));
    STARLING_ASSIGN(row.missing, text("error"));
    if (const base::Json* seconds = json->find("seconds"); seconds != nullptr) {
      STARLING_ASSIGN(row.peer_seconds, seconds->as_number());
    }
    if (row.missing.empty() && row.peer_seconds <= 0.0) {
      row.missing = "its script gave no time and said nothing of why; run " + script.string() + " to see";
    }
    rows.push_back(std::move(row));
  }
  const int code = child.wait(kPatience);
  if (code == 0) return rows;
  constexpr int kNoSuchProgram = 127;  // env's
  PeerRow row;
  row.name = kAll;
  row.threads = threads;
  row.missing =
      code == kNoSuchProgram
          ? python + " is not there: install it (apt install python3), or name another in " + "STARLING_PEERS_PYTHON"
          : python + " ended with " + std::to_string(code) + "; run " + script.string() + " to see why";
  rows.push_back(std::move(row));
  return rows;
}

// Of products there are many rows, so numbers of f32 meet f32 alone.
bool are_set_beside(const PeerRow& ours, const PeerRow& peer) {
  return ours.name != "product" || !peer.missing.empty() ||
         (ours.arithmetic == "f32") == (peer.peer.find("f32") != std::string::npos);
}

// A script's rows beside ours. What it says of all that it measures is said of each thing.
void put_beside(const std::vector<PeerRow>& ours, const std::vector<PeerRow>& peers, const Script& script,
                std::vector<PeerRow>& rows) {
  for (const PeerRow& peer : peers) {
    const bool of_all = peer.name == kAll;
    std::set<std::pair<std::string, std::string>> met;
    for (const PeerRow& one : ours) {
      if (of_all ? !script.measures(one.name) : one.name != peer.name || one.shape != peer.shape) continue;
      if (!are_set_beside(one, peer)) continue;
      if (!met.insert({one.name, one.shape}).second && !peer.missing.empty()) continue;  // said once
      PeerRow row = one;
      row.peer = peer.peer.empty() ? script.peer : peer.peer;
      row.peer_seconds = peer.peer_seconds;
      row.missing = peer.missing;
      row.target = target_of(row);
      rows.push_back(std::move(row));
    }
    if (met.empty()) rows.push_back(peer);
  }
}

// Ours of products, for the scripts: f32, and the best integers.
std::vector<PeerRow> best_products(const std::vector<PeerRow>& rows, int threads) {
  std::vector<PeerRow> ours;
  std::string best;
  std::set<std::pair<std::string, std::string>> met;
  for (const PeerRow& row : rows) {
    if (row.threads != threads || std::ranges::find(kProductShapes, row.shape, to_text) == kProductShapes.end())
      continue;
    if (row.arithmetic != "f32" && best.empty()) best = row.arithmetic;
    if (row.arithmetic != "f32" && row.arithmetic != best) continue;
    if (!met.insert({row.shape, row.arithmetic}).second) continue;
    PeerRow& one = ours.emplace_back(row);
    one.peer.clear();
    one.peer_seconds = 0.0;
    one.missing.clear();
  }
  return ours;
}

// What is not of products, on so many threads.
base::Result<std::vector<PeerRow>> measure_models(const std::vector<PeerCase>& wanted, const PeerOptions& options,
                                                  int threads) {
  std::vector<PeerRow> ours;
  if (wanted.empty()) return ours;
  STARLING_ASSIGN(Engine engine, Engine::create({"", threads, base::check_interrupt}));
  STARLING_ASSIGN(const Peaks peaks, measure_peaks(threads));
  for (const PeerCase& one : wanted) {
    note("measuring " + one.row.name + ", " + one.row.shape + ", " + one.row.arithmetic);
    STARLING_ASSIGN(const ModelTime time, one.run(engine, options.rounds));
    ours.push_back(one.row);
    ours.back().seconds = time.seconds;
    ours.back().limit_seconds = 2.0 * (static_cast<double>(time.work.f32_multiply_adds) / peaks.floats +
                                       static_cast<double>(time.work.i8_multiply_adds) / peaks.integers);
  }
  return ours;
}

}  // namespace

base::Result<std::vector<PeerRow>> bench_peers(const PeerOptions& options) {
  STARLING_ASSIGN(const fs::path folder, script_folder());
  STARLING_ASSIGN(std::vector<PeerRow> rows, bench_products({options.threads, options.rounds, options.only}));
  for (const int threads : options.threads) {
    const std::vector<PeerCase> wanted = cases(options, threads);
    std::vector<PeerRow> ours = best_products(rows, threads);
    STARLING_ASSIGN(const std::vector<PeerRow> models, measure_models(wanted, options, threads));
    ours.insert(ours.end(), models.begin(), models.end());
    const std::size_t first = rows.size();
    for (const Script& script : kScripts) {
      if (std::ranges::none_of(ours, [&](const PeerRow& one) { return script.measures(one.name); })) continue;
      note(std::string("running ") + script.file);
      STARLING_ASSIGN(const std::vector<PeerRow> peers, ask(folder / script.file, options, ours));
      put_beside(ours, peers, script, rows);
    }
    for (const PeerRow& one : models) {
      const auto same = [&](const PeerRow& row) {
        return row.name == one.name && row.shape == one.shape && row.arithmetic == one.arithmetic;
      };
      if (std::any_of(rows.begin() + static_cast<std::ptrdiff_t>(first), rows.end(), same)) continue;
      rows.push_back(one);
      rows.back().missing = "no peer gave a time beside this one; rows of the same name may say why";
    }
  }
  return rows;
}

}  // namespace starling::cli
