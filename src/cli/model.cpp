// starling model info | list
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/setup.h"
#include "generate/video_job.h"
#include "models/fast_model.h"
#include "models/packed_weights.h"

namespace starling::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kModelHelp = "Folder of the model; the bundled one if not given";

struct InfoArguments {
  std::string model;
  bool json = false;
};

// What a video of the default size costs: the work of one step, and the memory of the whole.
struct Cost {
  generate::TextToVideo request;
  std::uint64_t work_per_step = 0;
  std::size_t peak_bytes = 0;
};

base::Result<Cost> measure_cost(const models::Checkpoint& model) {
  Cost cost;
  cost.request = default_request(model.config());
  cost.request.prompt = "a";
  STARLING_ASSIGN(const generate::VideoJob job, generate::VideoJob::prepare(model, cost.request));
  const exact::Program& program = job.program();
  const exact::Work work = program.graphs()[program.calls()[job.calls().first_step].graph].work();
  cost.work_per_step = work.f32_multiply_adds + work.i8_multiply_adds;
  cost.peak_bytes = job.peak_bytes();
  return cost;
}

// Its kin of few steps; nothing if it has none.
base::Result<std::optional<models::FastModel>> kin_of(const fs::path& folder) {
  using Kin = std::optional<models::FastModel>;
  if (models::model_family(folder).size() == 1) return Kin();
  STARLING_ASSIGN(const models::FastModel kin, models::fast_model(folder));
  return Kin(kin);
}

base::Json kin_json(const models::FastModel& kin) {
  base::Json json = base::Json::empty_object();
  json.set("model", kin.folder.string());
  json.set("steps", kin.steps);
  return json;
}

base::Result<int> info(const InfoArguments& arguments) {
  STARLING_ASSIGN(const fs::path folder, find_model(arguments.model));
  STARLING_ASSIGN(const models::Checkpoint model, models::Checkpoint::open(folder));
  STARLING_ASSIGN(Machine machine, start_machine(0));
  STARLING_ASSIGN(const base::Hash root, model.root(machine.pool.get()));
  STARLING_ASSIGN(const auto files, model.files());
  STARLING_ASSIGN(const Cost cost, measure_cost(model));
  STARLING_ASSIGN(const std::optional<models::FastModel> kin, kin_of(folder));
  std::shared_ptr<const models::PackedWeights> packed;
  fs::path packed_file;
  if (const exact::Packer* packer = machine.engine.packer(); packer != nullptr) {
    packed_file = models::PackedWeights::path(folder, root, *packer);
    if (auto found = models::PackedWeights::open(packed_file, root, *packer); found.ok()) packed = *std::move(found);
  }
  const models::ModelConfig& config = model.config();
  base::Json list = base::Json::empty_array();
  std::uint64_t bytes = 0;
  for (const auto& file : files) {
    base::Json entry = base::Json::empty_object();
    entry.set("name", file.name);
    entry.set("bytes", file.bytes);
    list.push(std::move(entry));
    bytes += file.bytes;
  }
  if (arguments.json) {
    base::Json architecture = base::Json::empty_object();
    architecture.set("family", "wan");
    architecture.set("width", config.transformer.width());
    architecture.set("blocks", config.transformer.num_layers);
    architecture.set("heads", config.transformer.num_attention_heads);
    architecture.set("text_width", config.text_encoder.d_model);
    architecture.set("text_layers", config.text_encoder.num_layers);
    architecture.set("text_length", config.text_length);
    architecture.set("latent_channels", config.vae.z_dim);
    architecture.set("size_stride", generate::size_stride(config));
    architecture.set("frame_stride", generate::frame_stride(config));
    architecture.set("expand_timesteps", config.pipeline.expand_timesteps);
    architecture.set("arithmetic", config.transformer.quantisation ? "w8a8" : "f32");
    base::Json json = base::Json::empty_object();
    json.set("model", folder.string());
    json.set("root", root.hex());
    json.set("architecture", std::move(architecture));
    json.set("parameters", model.parameter_count());
    json.set("work_per_step", cost.work_per_step);
    json.set("peak_bytes", cost.peak_bytes);
    json.set("width", cost.request.width);
    json.set("height", cost.request.height);
    json.set("frames", cost.request.frames);
    json.set("steps", cost.request.steps);
    json.set("guidance", static_cast<double>(cost.request.guidance));
    json.set("fast", kin ? kin_json(*kin) : base::Json());
    json.set("files", std::move(list));
    json.set("packed_file", packed == nullptr ? base::Json() : base::Json(packed_file.string()));
    json.set("packed_bytes", packed == nullptr ? base::Json() : base::Json(packed->bytes()));
    print_json(json);
    return kFine;
  }
  const std::string size = std::to_string(cost.request.width) + "x" + std::to_string(cost.request.height) + ", " +
                           std::to_string(cost.request.frames) + " frames";
  print("folder        " + folder.string());
  print("root          " + root.hex());
  print("architecture  Wan, " + std::to_string(config.transformer.num_layers) + " blocks of width " +
        std::to_string(config.transformer.width()) + "; text encoder of " +
        std::to_string(config.text_encoder.num_layers) + " layers of width " +
        std::to_string(config.text_encoder.d_model));
  if (config.transformer.quantisation) print("arithmetic    integers of 8 bits in the blocks");
  print("parameters    " + std::to_string(model.parameter_count()));
  print("sizes         multiples of " + std::to_string(generate::size_stride(config)) + " pixels; 1 + k x " +
        std::to_string(generate::frame_stride(config)) + " frames");
  print("one step      " + std::to_string(cost.work_per_step) + " multiply-adds" +
        (cost.request.guidance != 1.0F ? " with guidance" : "") + ", at " + size);
  print("steps         " + std::to_string(cost.request.steps) +
        (config.scheduler.student_steps > 0 ? ", which it was distilled to" : ""));
  if (kin) print("fast          " + std::to_string(kin->steps) + " steps, in " + kin->folder.string());
  print("memory        " + std::to_string(cost.peak_bytes) + " bytes at that size");
  print("files         " + std::to_string(files.size()) + ", " + std::to_string(bytes) + " bytes");
  if (packed != nullptr) {
    print("packed        " + std::to_string(packed->bytes()) + " bytes in " + packed_file.string());
  }
  return kFine;
}

struct ListArguments {
  std::string folder;
  bool json = false;
};

base::Result<int> list(const ListArguments& arguments) {
  std::vector<fs::path> folders;
  std::error_code error;
  fs::path above = arguments.folder;
  if (arguments.folder.empty()) {
    STARLING_ASSIGN(const fs::path bundled, find_model(""));
    above = bundled.parent_path();
  }
  fs::directory_iterator entries(above, error);
  if (error) return base::not_found("the folder " + above.string() + " cannot be read: " + error.message());
  for (const auto& entry : entries) {
    if (fs::exists(entry.path() / "model_index.json", error)) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  base::Json models = base::Json::empty_array();
  for (const fs::path& folder : folders) {
    const base::Result<models::Checkpoint> model = models::Checkpoint::open(folder);
    if (arguments.json) {
      base::Json entry = base::Json::empty_object();
      entry.set("model", folder.string());
      entry.set("parameters", model.ok() ? base::Json(model->parameter_count()) : base::Json());
      entry.set("error", model.ok() ? base::Json() : base::Json(model.error().message));
      models.push(std::move(entry));
    } else {
      print(folder.string() + "  " +
            (model.ok() ? std::to_string(model->parameter_count()) + " parameters" : model.error().message));
    }
  }
  if (arguments.json) {
    base::Json json = base::Json::empty_object();
    json.set("models", std::move(models));
    print_json(json);
  } else if (folders.empty()) {
    print("no models in " + above.string());
  }
  return kFine;
}

}  // namespace

Action declare_model_info(Options& options) {
  auto a = std::make_shared<InfoArguments>();
  options.text("MODEL", a->model, kModelHelp);
  options.json(a->json);
  return [a] { return info(*a); };
}

Action declare_model_list(Options& options) {
  auto a = std::make_shared<ListArguments>();
  options.text("FOLDER", a->folder, "Where to look for models; where the bundled one is if not given");
  options.json(a->json);
  return [a] { return list(*a); };
}

}  // namespace starling::cli
