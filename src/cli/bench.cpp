// starling bench: products against a peer, training steps, operators beside what the machine can do, and what a video
// and its receipt cost.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <system_error>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/temporary.h"
#include "cli/bench_clock.h"
#include "cli/bench_operators.h"
#include "cli/bench_peers.h"
#include "cli/bench_products.h"
#include "cli/bench_training.h"
#include "cli/commands.h"
#include "cli/measurement.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "generate/random_model.h"
#include "generate/video_job.h"
#include "proof/commitment.h"
#include "proof/trace.h"
#include "train/first_world/caption.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

struct BenchArguments {
  std::string what = "all";
  std::string model;
  std::string only;
  std::string arithmetic;
  std::int64_t threads = 2;
  std::int64_t rounds = 3;
  std::int64_t blocks = 30;
  bool json = false;
};

// A folder that is removed in the end.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(fs::temp_directory_path() / ("starling-bench-" + std::to_string(::getpid()))),
        name_(path_, base::TemporaryKind::kTree) {
    std::error_code error;
    fs::create_directories(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  base::TemporaryName name_;  // an interrupt that ends the process takes it along
};

// The model to measure: the one that is there, else an untrained one of the bundled model's size, which costs the same.
base::Result<models::Checkpoint> open_model(const BenchArguments& arguments, Machine& machine, const fs::path& room) {
  const auto found = find_model(arguments.model);
  if (found.ok()) return models::Checkpoint::open(*found);
  note("note: there is no bundled model; an untrained one of its size is measured");
  const std::vector<std::string> sentences = train::caption_corpus(500, 0);
  STARLING_ASSIGN(const models::NewCheckpoint made,
                  generate::random_model(generate::RandomModelSize::kBundled, sentences, 0, machine.engine));
  STARLING_TRY(models::write_checkpoint(room / "model", made));
  return models::Checkpoint::open(room / "model");
}

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The outputs of every call of a run.
base::Result<std::vector<std::vector<exact::Tensor>>> all_outputs(const generate::VideoJob& job, Machine& machine) {
  std::vector<std::vector<exact::Tensor>> outputs;
  const proof::Job run = job.on(machine.engine, machine.pool.get());
  exact::RunObserver observer;
  observer.after_call = [&](std::uint32_t, const std::vector<exact::Tensor>& made) -> base::Status {
    std::vector<exact::Tensor>& copies = outputs.emplace_back();
    for (const exact::Tensor& tensor : made) {
      STARLING_ASSIGN(exact::Tensor copy, exact::Tensor::allocate(tensor.type(), tensor.shape()));
      std::ranges::copy(tensor.bytes(), copy.mutable_bytes().begin());
      copies.push_back(std::move(copy));
    }
    return {};
  };
  const auto made = run.program->run(machine.engine, *run.inputs, *run.weights, observer);
  if (!made.ok()) return made.error();
  return outputs;
}

// What generate does beyond making frames: roots of all outputs, frame hashes, trace file, signature, receipt file.
base::Status commit_to(const generate::VideoJob& job, const std::vector<std::vector<exact::Tensor>>& outputs,
                       const std::vector<video::Frames>& frames, const base::SecretKey& key, Machine& machine,
                       const fs::path& room) {
  STARLING_ASSIGN(proof::TraceWriter trace, proof::TraceWriter::create(room / "bench.trace"));
  proof::Receipt receipt;
  receipt.parameters = generate::to_json(job.request());
  receipt.inputs = job.input_roots();
  receipt.work = job.program().work();
  for (std::uint32_t call = 0; call < outputs.size(); ++call) {
    const proof::OutputRoots roots = proof::output_roots(outputs[call], machine.pool.get());
    receipt.calls.push_back(proof::list_root(roots));
    STARLING_TRY(
        trace.add(roots, outputs[call], std::vector<bool>(roots.size(), generate::is_kept(job.calls(), call))));
    for (int i = 0; i < frames[call].count; ++i) receipt.frames.push_back(video::frame_hash(frames[call].frame(i)));
  }
  auto trace_done = std::async(std::launch::async, [&trace] { return trace.commit(); });
  STARLING_TRY(proof::sign_receipt(receipt, key));
  STARLING_ASSIGN(const std::string text, proof::receipt_text(receipt));
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(room / "bench.receipt.json"));
  STARLING_TRY(file.write(base::as_bytes(text)));
  STARLING_TRY(file.commit(base::Durability::kWhole));
  return trace_done.get();
}

base::Result<std::vector<Measurement>> bench_video(const BenchArguments& arguments, int threads) {
  const TemporaryFolder room;
  STARLING_ASSIGN(Machine machine, start_machine(threads));
  STARLING_ASSIGN(models::Checkpoint model, open_model(arguments, machine, room.path()));
  STARLING_ASSIGN(const base::Hash its_root, model.root(machine.pool.get()));
  STARLING_TRY(use_packed_weights(model, its_root, machine));
  generate::TextToVideo request = default_request(model.config());
  request.prompt = "a red ball bounces on green ground";
  STARLING_ASSIGN(const generate::VideoJob job, generate::VideoJob::prepare(model, request));
  generate::Listener listener;
  listener.after_call = [](std::uint32_t) { return base::check_interrupt(); };
  listener.frame = [](std::size_t, const video::FrameView&) -> base::Status { return {}; };
  STARLING_ASSIGN(const auto outputs, all_outputs(job, machine));
  std::vector<video::Frames> frames;  // by call
  for (std::uint32_t call = 0; call < outputs.size(); ++call) {
    STARLING_ASSIGN(generate::VideoJob::Part part, job.frames_of(call, outputs[call]));
    frames.push_back(std::move(part.frames));
  }
  const base::SecretKey key = base::SecretKey::generate();
  std::vector<double> videos;
  std::vector<double> receipts;
  std::vector<double> model_roots;
  constexpr int kRounds = 5;
  for (int round = 0; round < kRounds; ++round) {
    Clock::time_point start = Clock::now();
    STARLING_TRY(generate::run_video(job, machine.engine, listener));
    videos.push_back(since(start));
    start = Clock::now();
    STARLING_TRY(commit_to(job, outputs, frames, key, machine, room.path()));
    receipts.push_back(since(start));
    start = Clock::now();
    const base::Result<base::Hash> root = model.root(machine.pool.get());
    if (!root.ok()) return root.error();
    model_roots.push_back(since(start));
  }
  const double video = median(std::move(videos));
  const double receipt = median(std::move(receipts));
  const double model_root = median(std::move(model_roots));
  const std::string shape = std::to_string(request.width) + "x" + std::to_string(request.height) + ", " +
                            std::to_string(request.frames) + " frames, " + std::to_string(request.steps) + " steps";
  const auto row = [&](const char* name, double ours, const char* unit, double limit) {
    Measurement result;
    result.name = name;
    result.shape = shape;
    result.threads = machine.engine.threads();
    result.ours = ours;
    result.unit = unit;
    result.limit = limit;
    return result;
  };
  constexpr double kMebibyte = 1 << 20;
  return std::vector<Measurement>{
      row("video", video + receipt, "s", 1.0), row("receipt and trace", 1000.0 * receipt, "ms", 0.0),
      row("receipt and trace, of the time", 100.0 * receipt / (video + receipt), "%", 2.0),
      row("root of the model, once", 1000.0 * model_root, "ms", 0.0),
      row("peak memory of this process", static_cast<double>(base::peak_memory_bytes()) / kMebibyte, "MiB", 400.0)};
}

// "AMD EPYC, family 25, model 17": names alone do not tell generations apart.
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string name = "unknown";
  std::string version;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const std::string value = line.substr(std::min(line.size(), line.find(':') + 2));
    if (line.starts_with("model name")) name = value;
    if (line.starts_with("cpu family")) version += ", family " + value;
    if (line.starts_with("model\t")) version += ", model " + value;
  }
  return name + version;
}

base::Json to_json(const Measurement& row) {
  base::Json json = base::Json::empty_object();
  json.set("name", row.name);
  json.set("shape", row.shape);
  json.set("threads", row.threads);
  json.set("ours", row.ours);
  json.set("unit", row.unit);
  json.set("limit", row.limit > 0.0 ? base::Json(row.limit) : base::Json());
  json.set("of_limit", row.limit > 0.0 ? base::Json(row.ours / row.limit) : base::Json());
  return json;
}

void print_row(const Measurement& row) {
  std::array<char, 256> line{};
  std::snprintf(line.data(), line.size(), "%-34s %-30s %2d  %9.3f %s", row.name.c_str(), row.shape.c_str(), row.threads,
                row.ours, row.unit.c_str());
  std::string text = line.data();
  if (row.limit > 0.0) {
    std::snprintf(line.data(), line.size(), "   (at most %g)", row.limit);
    text += line.data();
  }
  print(text);
}

base::Result<int> run(const BenchArguments& arguments) {
  base::catch_interrupts();
  std::vector<Measurement> rows;
  const auto wanted = [&](const char* what) { return arguments.what == "all" || arguments.what == what; };
  if (!arguments.only.empty() && !wanted("ops") && arguments.what != "peers" && arguments.what != "products") {
    return base::invalid("--only chooses what is measured by `starling bench ops`, `products` and `peers`.");
  }
  if (!arguments.arithmetic.empty() && arguments.what != "products") {
    return base::invalid("--arithmetic chooses what `starling bench products` measures.");
  }
  const auto add = [&](const std::vector<Measurement>& more) { rows.insert(rows.end(), more.begin(), more.end()); };
  std::vector<int> threads{1};
  if (arguments.threads != 1) threads.push_back(static_cast<int>(arguments.threads));
  const bool beside_peers = arguments.what == "peers" && std::string("video").find(arguments.only) == 0;
  for (const int count : threads) {
    if (!wanted("video") && !beside_peers) break;
    STARLING_ASSIGN(const std::vector<Measurement> video, bench_video(arguments, count));
    add(video);
  }
  if (wanted("training")) {
    const TemporaryFolder room;
    STARLING_ASSIGN(const std::vector<Measurement> training, bench_training(threads, room.path()));
    add(training);
  }
  std::vector<OperatorBench> operators;
  if (wanted("ops")) {
    for (const int count : threads) {
      STARLING_ASSIGN(OperatorBench bench, bench_operators(count, arguments.only));
      operators.push_back(std::move(bench));
    }
  }
  std::optional<std::vector<PeerRow>> peers;
  const auto rounds = static_cast<int>(arguments.rounds);
  if (wanted("products")) {
    const ProductOptions options{threads, rounds, arguments.what == "products" ? arguments.only : ""};
    STARLING_ASSIGN(
        peers, arguments.arithmetic.empty() ? bench_products(options) : bench_product(arguments.arithmetic, options));
  }
  if (arguments.what == "peers") {
    STARLING_ASSIGN(peers, bench_peers({threads, rounds, arguments.blocks, arguments.only}));
  }
  if (peers.has_value() && peers->empty() && rows.empty()) {
    return base::invalid(
        "nothing that is measured beside peers has '" + arguments.only +
        "' in its name, shape, arithmetic or threads; try product, attention, step, decode or 1 thread");
  }
  if (!arguments.json) {
    print(cpu_name());
    if (peers.has_value()) print_table(*peers);
    for (const Measurement& row : rows) print_row(row);
    for (const OperatorBench& bench : operators) print_table(bench);
    return kFine;
  }
  base::Json results = base::Json::empty_array();
  for (const Measurement& row : rows) results.push(to_json(row));
  base::Json machine = base::Json::empty_object();
  machine.set("cpu", cpu_name());
  machine.set("cores", ::sysconf(_SC_NPROCESSORS_ONLN));
  machine.set("memory_bytes", base::physical_memory_bytes());
  base::Json json = base::Json::empty_object();
  json.set("machine", std::move(machine));
  json.set("results", std::move(results));
  if (peers.has_value()) json.set("peers", to_json(*peers));
  if (!operators.empty()) {
    base::Json list = base::Json::empty_array();
    for (const OperatorBench& bench : operators) list.push(to_json(bench));
    json.set("operators", std::move(list));
  }
  print_json(json);
  return kFine;
}

}  // namespace

Action declare_bench(Options& options) {
  auto a = std::make_shared<BenchArguments>();
  options.choice("WHAT", a->what, {"all", "video", "training", "products", "ops", "peers"}, "What to measure");
  options.text("--model", a->model, "Folder of the model; the bundled one if not given");
  options.integer("--threads", a->threads, 1, 512, "Threads; everything is measured with one as well");
  options.text("--only", a->only, "Of ops, products and peers: measure what has this in its name or shape");
  options.text("--arithmetic", a->arithmetic,
               "Of products: this one alone, f32 or a kind of integers, in this process");
  options.integer("--rounds", a->rounds, 1, 100, "Of products and peers: how often each thing is timed");
  options.integer("--blocks", a->blocks, 1, 30, "Of peers: blocks of a denoising step, of the model's 30");
  options.json(a->json);
  return [a] { return run(*a); };
}

}  // namespace starling::cli
