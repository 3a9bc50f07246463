#include "cli/bench_peers.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
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
constexpr std::array<std::string_view, 1> kProducts{"product"};
constexpr std::array<std::string_view, 4> kEverything{"product", "attention", "denoising step", "VAE decode"};
constexpr std::array<std::string_view, 1> kSteps{"denoising step"};
constexpr std::array<Script, 3> kScripts{{{"products.py", "OpenBLAS and oneDNN", kProducts},
                                          {"pytorch_models.py", "PyTorch", kEverything},
                                          {"stable_diffusion_cpp.py", "stable-diffusion.cpp", kSteps}}};
constexpr std::chrono::hours kPatience{6};
constexpr const char* kAll = "all";  // a row that is of all that a script measures

// Something to measure, in one arithmetic of ours.
struct Case {
  std::string name, shape, arithmetic;
  std::function<base::Result<ModelTime>(Engine&, int rounds)> run;
};

std::vector<Case> cases(const PeerOptions& options) {
  std::vector<Case> all;
  for (const bool quantised : {false, true}) {
    const std::string arithmetic = quantised ? "w8a8" : "f32";
    all.push_back({"product", "1024 x 8960 x 1536", arithmetic, [quantised](Engine& engine, int rounds) {
                     return time_product(engine, 1024, 8960, 1536, quantised, rounds);
                   }});
    for (const std::int64_t tokens : {4096, 16384}) {
      all.push_back({"attention", std::to_string(tokens) + " tokens, 12 x 128", arithmetic,
                     [quantised, tokens](Engine& engine, int rounds) {
                       return time_attention(engine, tokens, 12, 128, quantised, rounds);
                     }});
    }
    constexpr std::array<std::array<std::int64_t, 3>, 2> kGrids{{{5, 16, 16}, {3, 30, 52}}};
    for (const auto& [frames, rows, columns] : kGrids) {
      const std::string of = options.blocks == 30 ? "" : ", " + std::to_string(options.blocks) + " of 30 blocks";
      const StepSize size{options.blocks, frames, rows, columns, quantised};
      all.push_back({"denoising step", std::to_string(frames * rows * columns) + " tokens" + of, arithmetic,
                     [size](Engine& engine, int rounds) { return time_step(engine, size, rounds); }});
    }
  }
  all.push_back({"VAE decode", "17 x 256 x 256", "f32",
                 [](Engine& engine, int rounds) { return time_decode(engine, 17, 256, 256, rounds); }});
  std::erase_if(all,
                [&](const Case& one) { return (one.name + " " + one.shape).find(options.only) == std::string::npos; });
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

// What a script says, a line for each of the peer's times.
base::Result<std::vector<PeerRow>> ask(const fs::path& script, const PeerOptions& options) {
  const char* named = std::getenv("STARLING_PEERS_PYTHON");
  const std::string python = named == nullptr ? "python3" : named;
  STARLING_ASSIGN(
      base::ChildProcess child,
      base::ChildProcess::start(
          {"/usr/bin/env", python, script.string(), "--threads", std::to_string(options.threads), "--rounds",
           std::to_string(options.rounds), "--blocks", std::to_string(options.blocks), "--only", options.only},
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
  rows.push_back(
      {kAll, "", "", 0.0, "", 0.0,
       code == kNoSuchProgram
           ? python + " is not there: install it (apt install python3), or name another in " + "STARLING_PEERS_PYTHON"
           : python + " ended with " + std::to_string(code) + "; run " + script.string() + " to see why"});
  return rows;
}

// A script's rows beside ours. What it says of all that it measures is said of each thing.
void put_beside(const std::vector<PeerRow>& ours, const std::vector<PeerRow>& peers, const Script& script,
                std::vector<PeerRow>& rows) {
  for (const PeerRow& peer : peers) {
    const bool of_all = peer.name == kAll;
    std::set<std::pair<std::string, std::string>> met;
    for (const PeerRow& one : ours) {
      if (of_all ? !script.measures(one.name) : one.name != peer.name || one.shape != peer.shape) continue;
      if (!met.insert({one.name, one.shape}).second && !peer.missing.empty()) continue;  // said once
      rows.push_back({one.name, one.shape, one.arithmetic, one.seconds, peer.peer.empty() ? script.peer : peer.peer,
                      peer.peer_seconds, peer.missing});
    }
    if (met.empty()) rows.push_back(peer);
  }
}

}  // namespace

base::Result<std::vector<PeerRow>> bench_peers(const PeerOptions& options) {
  STARLING_ASSIGN(const fs::path folder, script_folder());
  STARLING_ASSIGN(Engine engine, Engine::create({"", options.threads, base::check_interrupt}));
  const std::vector<Case> wanted = cases(options);
  if (wanted.empty()) {
    return base::invalid("nothing that peers are measured by has '" + options.only +
                         "' in its name or shape; try product, attention, step or decode");
  }
  std::vector<PeerRow> ours;
  for (const Case& one : wanted) {
    note("measuring " + one.name + ", " + one.shape + ", " + one.arithmetic);
    STARLING_ASSIGN(const ModelTime time, one.run(engine, options.rounds));
    ours.push_back({one.name, one.shape, one.arithmetic, time.seconds, "", 0.0, ""});
  }
  std::vector<PeerRow> rows;
  for (const Script& script : kScripts) {
    if (std::ranges::none_of(ours, [&](const PeerRow& one) { return script.measures(one.name); })) continue;
    note(std::string("running ") + script.file);
    STARLING_ASSIGN(const std::vector<PeerRow> peers, ask(folder / script.file, options));
    put_beside(ours, peers, script, rows);
  }
  for (const PeerRow& one : ours) {
    const auto same = [&](const PeerRow& row) {
      return row.name == one.name && row.shape == one.shape && row.arithmetic == one.arithmetic;
    };
    if (std::ranges::any_of(rows, same)) continue;
    rows.push_back(one);
    rows.back().missing = "no peer gave a time beside this one; rows of the same name may say why";
  }
  return rows;
}

base::Json to_json(const std::vector<PeerRow>& rows) {
  base::Json list = base::Json::empty_array();
  const auto number = [](double seconds) { return seconds > 0.0 ? base::Json(seconds) : base::Json(); };
  for (const PeerRow& row : rows) {
    base::Json json = base::Json::empty_object();
    json.set("name", row.name);
    json.set("shape", row.shape);
    json.set("arithmetic", row.arithmetic);
    json.set("seconds", number(row.seconds));
    json.set("peer", row.peer);
    json.set("peer_seconds", number(row.peer_seconds));
    const bool both = row.seconds > 0.0 && row.peer_seconds > 0.0;
    json.set("ratio", both ? base::Json(row.peer_seconds / row.seconds) : base::Json());
    json.set("missing", row.missing.empty() ? base::Json() : base::Json(row.missing));
    list.push(std::move(json));
  }
  return list;
}

void print_table(const std::vector<PeerRow>& rows) {
  std::array<char, 512> line{};
  for (const PeerRow& row : rows) {
    const std::string what = row.name + ", " + row.shape;
    if (row.seconds > 0.0) {
      std::snprintf(line.data(), line.size(), "%-48s %-4s %9.4f s   ", what.c_str(), row.arithmetic.c_str(),
                    row.seconds);
    } else {
      std::snprintf(line.data(), line.size(), "%-48s %-4s %9s     ", what.c_str(), "", "");
    }
    std::string text = line.data();
    if (row.peer_seconds > 0.0) {
      std::snprintf(line.data(), line.size(), "%-28s %9.4f s", row.peer.c_str(), row.peer_seconds);
      text += line.data();
    } else {
      text += row.peer.empty() ? row.missing : row.peer + ": " + row.missing;
    }
    if (row.seconds > 0.0 && row.peer_seconds > 0.0) {
      std::snprintf(line.data(), line.size(), "   %6.2f times as fast", row.peer_seconds / row.seconds);
      text += line.data();
    }
    print(text);
  }
}

}  // namespace starling::cli
