#include "models/checkpoint.h"

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "temporary_folder.h"
#include "tiny_model.h"

namespace starling::models {
namespace {

using exact::Tensor;
using exact::Type;

// A weight that is one part.
Tensor whole(const NewWeight& weight) {
  Tensor tensor;
  const base::Status status = weight.parts([&](const Tensor& part) {
    tensor = part;
    return base::Status{};
  });
  EXPECT_TRUE(status.ok());
  return tensor;
}

class CheckpointTest : public FolderTest {
 protected:
  // STARLING_KEEP_MODEL=FOLDER leaves the model there, for tests/models/check_with_diffusers.py.
  CheckpointTest() : model_(tiny_model()) {
    const char* keep = std::getenv("STARLING_KEEP_MODEL");
    path_ = keep != nullptr ? std::filesystem::path(keep) : folder_ / "model";
  }
  void write() {
    const base::Status status = write_checkpoint(path_, model_);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  base::Hash root() { return *Checkpoint::open(path_)->root(); }
  NewCheckpoint model_;
  std::filesystem::path path_;
};

TEST_F(CheckpointTest, ReadsBackWhatWasWritten) {
  write();
  const auto read = Checkpoint::open(path_);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->config().text_length, 24);
  EXPECT_EQ(read->config().transformer.num_layers, 2);
  EXPECT_TRUE(read->config().pipeline.expand_timesteps);
  EXPECT_EQ(read->tokenizer().model(), model_.tokenizer);
  EXPECT_EQ(read->known_words().to_text(), model_.known_words.to_text());
  std::uint64_t count = 0;
  for (const auto& [name, weight] : model_.weights) {
    const auto stored = read->weight(name);
    ASSERT_TRUE(stored.ok()) << stored.error().message;
    EXPECT_EQ(stored->type(), Type::kF16);
    EXPECT_TRUE(std::ranges::equal(stored->bytes(), whole(weight).rounded(Type::kF16)->bytes())) << name;
    count += static_cast<std::uint64_t>(weight.shape.elements());
  }
  EXPECT_EQ(read->parameter_count(), count);
  EXPECT_EQ(read->files()->size(), 11U);
  EXPECT_FALSE(read->weight("vae/none").ok());
  EXPECT_FALSE(read->weight("none").ok());
}

TEST_F(CheckpointTest, RootCoversEveryByte) {
  write();
  const base::Hash first = root();
  const std::filesystem::path weights = path_ / "vae" / "diffusion_pytorch_model.safetensors";
  const base::Bytes bytes = *base::read_file(weights, 1 << 24);
  const std::string_view word = "format";
  const auto format = std::search(bytes.begin(), bytes.end(), word.begin(), word.end());
  ASSERT_NE(format, bytes.end());
  base::Bytes changed = bytes;
  changed[static_cast<std::size_t>(format - bytes.begin())] ^= 1U;
  ASSERT_TRUE(base::write_file(weights, changed).ok());
  EXPECT_NE(root(), first) << "what no tensor depends on";
  ASSERT_TRUE(base::write_file(weights, bytes).ok());
  EXPECT_EQ(root(), first);
  model_.max_file_bytes = 20000;
  write();
  EXPECT_NE(root(), first) << "other files";
  model_.max_file_bytes = std::uint64_t{4} << 30U;
  write();
  base::ThreadPool pool(2);
  EXPECT_EQ(*Checkpoint::open(path_)->root(&pool), first) << "threads do not show";
  const Tensor bias = whole(model_.weights.at("vae/quant_conv.bias"));
  Tensor other(bias.type(), bias.shape());
  std::ranges::copy(bias.f32(), other.f32().begin());
  other.f32()[0] += 0.25F;
  model_.weights["vae/quant_conv.bias"] = other;
  write();
  EXPECT_NE(root(), first) << "one weight";
  model_.weights["vae/quant_conv.bias"] = bias;
  model_.config.scheduler.shift += 1.0F;
  write();
  EXPECT_NE(root(), first) << "one setting";
  model_.config.scheduler.shift -= 1.0F;
  write();
  EXPECT_EQ(root(), first);
}

TEST_F(CheckpointTest, RefusesModelsThatAreNotWhole) {
  EXPECT_EQ(Checkpoint::open(folder_ / "none").error().code, base::ErrorCode::kNotFound);
  write();
  const auto copies = std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing;
  const std::filesystem::path broken = folder_ / "broken";
  for (const char* name : {"model_index.json", "scheduler/scheduler_config.json", "tokenizer/spiece.model",
                           "vae/config.json", "vae/diffusion_pytorch_model.safetensors",
                           "transformer/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"}) {
    std::filesystem::copy(path_, broken, copies);
    ASSERT_TRUE(Checkpoint::open(broken).ok());
    std::filesystem::resize_file(broken / name, std::filesystem::file_size(broken / name) / 2);
    EXPECT_FALSE(Checkpoint::open(broken).ok()) << name << " cut";
    std::filesystem::remove(broken / name);
    EXPECT_FALSE(Checkpoint::open(broken).ok()) << name << " missing";
  }
  VaeConfig other = model_.config.vae;
  other.base_dim = 8;
  ASSERT_TRUE(base::write_file(path_ / "vae/config.json", base::as_bytes(write_vae_config(other))).ok());
  EXPECT_EQ(Checkpoint::open(path_).error().code, base::ErrorCode::kCorrupt) << "weights of another shape";
}

// Whatever is wrong with a file, the sentence ends with what to do.
TEST_F(CheckpointTest, SaysWhatToDoAboutAModelThatIsNotWhole) {
  write();
  const auto refused = [&](const char* name, std::string_view contents) {
    const auto whole = base::read_file(path_ / name, 1 << 26);
    ASSERT_TRUE(whole.ok());
    ASSERT_TRUE(base::write_file(path_ / name, base::as_bytes(contents)).ok());
    const auto opened = Checkpoint::open(path_);
    ASSERT_FALSE(opened.ok()) << name << " " << contents;
    const std::string& message = opened.error().message;
    EXPECT_TRUE(message.find("fetch ") != std::string::npos || message.find("use ") != std::string::npos) << message;
    ASSERT_TRUE(base::write_file(path_ / name, *whole).ok());
  };
  std::string deep = "[";
  for (int i = 0; i < 40; ++i) deep += "[";
  for (const char* name : {"model_index.json", "scheduler/scheduler_config.json", "vae/config.json",
                           "transformer/config.json", "text_encoder/config.json"}) {
    refused(name, "noise");
    refused(name, deep);
    refused(name, "[]");
    refused(name, R"({"a": 1, "a": 2})");
    refused(name, R"({"_class_name": "Another"})");
  }
  refused("transformer/config.json", R"({"_class_name": "WanTransformer3DModel", "num_layers": 257})");
  const auto tensors = [](const std::string& header) {
    std::string file(8, '\0');
    file[0] = static_cast<char>(header.size());
    return file + header;
  };
  const char* weights = "vae/diffusion_pytorch_model.safetensors";
  refused(weights, "");
  refused(weights, tensors("{"));
  refused(weights, tensors(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})"));
  refused(weights, tensors(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})"));
  refused(weights, tensors("{}"));
  refused("tokenizer/spiece.model", "noise");
  std::filesystem::remove(path_ / "vae/config.json");
  const auto missing = Checkpoint::open(path_);
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("fetch the model"), std::string::npos) << missing.error().message;
}

TEST_F(CheckpointTest, RefusesToWriteABrokenModel) {
  NewCheckpoint missing = model_;
  missing.weights.erase("transformer/proj_out.bias");
  EXPECT_FALSE(write_checkpoint(path_, missing).ok());
  NewCheckpoint extra = model_;
  extra.weights["vae/extra"] = Tensor::from_f32({1}, std::vector{1.0F});
  EXPECT_FALSE(write_checkpoint(path_, extra).ok());
  NewCheckpoint large = model_;
  Tensor bias(Type::kF32, {64});
  bias.f32()[5] = 1e6F;
  large.weights["transformer/proj_out.bias"] = bias;
  EXPECT_EQ(write_checkpoint(path_, large).error().code, base::ErrorCode::kNonFinite) << "too large for f16";
  EXPECT_FALSE(Checkpoint::open(path_).ok()) << "a folder whose writing failed does not open";
  NewCheckpoint unfit = model_;
  unfit.config.transformer.text_dim = 20;
  EXPECT_FALSE(write_checkpoint(path_, unfit).ok());
}

TEST_F(CheckpointTest, ANewFolderAppearsWholeOrNotAtAll) {
  const auto entries = [&] { return std::distance(std::filesystem::directory_iterator(folder_), {}); };
  std::uint64_t told = 0;
  int parts = 0;
  const auto stopping = [&](std::uint64_t bytes) -> base::Status {
    told += bytes;
    if (++parts < 20) return {};
    return base::Error{base::ErrorCode::kCancelled, "stop"};
  };
  const base::Status stopped = write_new_checkpoint(path_, model_, stopping);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, base::ErrorCode::kCancelled);
  EXPECT_EQ(entries(), 0) << "an interrupt leaves nothing";

  // What a process that was killed left.
  const std::filesystem::path left = folder_ / (".model.0123456789abcdef" + std::string(".part"));
  std::filesystem::create_directories(left / "vae");
  ASSERT_TRUE(base::write_file(left / "vae" / "half", base::Bytes(100)).ok());
  told = 0;
  const base::Status written = write_new_checkpoint(path_, model_, [&](std::uint64_t bytes) {
    told += bytes;
    return base::Status{};
  });
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_EQ(entries(), 1);
  EXPECT_EQ(told, stored_bytes(model_));
  EXPECT_EQ(told,
            stored_bytes(model_, "vae") + stored_bytes(model_, "transformer") + stored_bytes(model_, "text_encoder"));
  EXPECT_TRUE(Checkpoint::open(path_).ok());
  EXPECT_EQ(write_new_checkpoint(path_, model_).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_TRUE(Checkpoint::open(path_).ok()) << "what is there stays";

  NewCheckpoint huge = model_;
  huge.weights["vae/quant_conv.bias"] = NewWeight(Type::kF32, {std::int64_t{1} << 39U}, {});
  EXPECT_EQ(write_new_checkpoint(folder_ / "huge", huge).error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(entries(), 1);
}

}  // namespace
}  // namespace starling::models
