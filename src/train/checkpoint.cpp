#include "train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

#include "base/encoding.h"
#include "base/file.h"
#include "base/hash.h"

namespace starling::train {
namespace {

namespace fs = std::filesystem;
using exact::Shape;
using exact::Tensor;
using exact::Type;

constexpr std::string_view kCheckpointMagic = "STARTRN1";
constexpr std::string_view kCheckpointPrefix = "checkpoint-";
constexpr std::string_view kSuffix = ".starling";
constexpr std::size_t kKept = 2;
constexpr std::size_t kMaxHeader = std::size_t{16} << 20;
constexpr std::size_t kMaxRecipe = std::size_t{1} << 16;
constexpr std::uint32_t kMaxParameters = 1U << 16;
constexpr std::size_t kDigits = 9;

struct Found {
  std::uint64_t step;
  fs::path path;
};

// Ascending by step.
base::Result<std::vector<Found>> find_checkpoints(const fs::path& folder) {
  std::vector<Found> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kCheckpointPrefix) || !name.ends_with(kSuffix)) continue;
    const char* first = name.data() + kCheckpointPrefix.size();
    const char* last = name.data() + name.size() - kSuffix.size();
    std::uint64_t step = 0;
    const auto [end_of_number, problem] = std::from_chars(first, last, step);
    if (problem == std::errc() && end_of_number == last) found.push_back({step, entry->path()});
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return base::io_error("cannot list the folder '" + folder.string() + "': " + error.message());
  }
  std::ranges::sort(found, {}, &Found::step);
  return found;
}

fs::path checkpoint_path(const fs::path& folder, std::uint64_t step) {
  std::string number = std::to_string(step);
  number.insert(0, kDigits - std::min(kDigits, number.size()), '0');
  return folder / (std::string(kCheckpointPrefix) + number + std::string(kSuffix));
}

base::Bytes encode_header(const Recipe& recipe, const TrainingState& state) {
  base::Encoder header;
  header.text(write_recipe(recipe));
  header.u64(state.step);
  header.u32(static_cast<std::uint32_t>(state.parameters.size()));
  for (const models::Parameter& parameter : state.parameters) {
    header.text(parameter.name);
    header.u8(static_cast<std::uint8_t>(parameter.shape.rank()));
    for (const std::int64_t size : parameter.shape.sizes()) header.i64(size);
  }
  return header.data();
}

// Everything the file holds after the header, in order.
template <typename State>
auto stored_tensors(State& state) {
  std::vector<decltype(&state.beta1_power)> tensors{&state.beta1_power, &state.beta2_power};
  for (auto* group : {&state.values, &state.first_moments, &state.second_moments, &state.averages}) {
    for (auto& tensor : *group) tensors.push_back(&tensor);
  }
  return tensors;
}

class Reader {
 public:
  explicit Reader(base::ByteView bytes) : bytes_(bytes) {}
  base::Result<base::ByteView> take(std::size_t size) {
    if (size > bytes_.size() - at_) return base::corrupt("it ends too early");
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  base::ByteView bytes_;
  std::size_t at_ = 0;
};

base::Result<std::string> decode_header(base::ByteView bytes, TrainingState& state) {
  base::Decoder header(bytes);
  std::string recipe = header.text(kMaxRecipe);
  state.step = header.u64();
  const std::uint32_t count = header.u32();
  if (count > kMaxParameters) return base::corrupt("it lists too many parameters");
  for (std::uint32_t i = 0; i < count && header.ok(); ++i) {
    models::Parameter parameter;
    parameter.name = header.text(256);
    const int rank = header.u8();
    if (rank > exact::kMaxRank) return base::corrupt("a parameter has too many axes");
    std::int64_t elements = 1;
    for (int axis = 0; axis < rank; ++axis) {
      const std::int64_t size = header.i64();
      if (size < 1 || size > exact::kMaxElements || (elements *= size) > exact::kMaxElements) {
        return base::corrupt("a parameter has an impossible shape");
      }
      parameter.shape.append(size);
    }
    state.parameters.push_back(std::move(parameter));
  }
  STARLING_TRY(header.finish());
  return recipe;
}

base::Result<Tensor> read_tensor(Reader& reader, const Shape& shape) {
  STARLING_ASSIGN(const base::ByteView bytes, reader.take(static_cast<std::size_t>(shape.elements()) * sizeof(float)));
  STARLING_ASSIGN(Tensor tensor, Tensor::allocate(Type::kF32, shape));
  std::memcpy(tensor.mutable_bytes().data(), bytes.data(), bytes.size());
  return tensor;
}

base::Result<Checkpoint> decode(base::ByteView file) {
  constexpr std::size_t kDigest = 32;
  if (file.size() < kCheckpointMagic.size() + sizeof(std::uint64_t) + kDigest) return base::corrupt("it is too short");
  const base::ByteView content = file.first(file.size() - kDigest);
  if (std::memcmp(content.data(), kCheckpointMagic.data(), kCheckpointMagic.size()) != 0)
    return base::corrupt("it is of another format");
  const base::Hash digest = base::sha256(content);
  if (!std::ranges::equal(digest.bytes, file.last(kDigest))) return base::corrupt("its bytes do not match its hash");
  Reader reader(content.subspan(kCheckpointMagic.size()));
  STARLING_ASSIGN(const base::ByteView length_bytes, reader.take(sizeof(std::uint64_t)));
  base::Decoder length(length_bytes);
  const std::uint64_t header_size = length.u64();
  if (header_size > kMaxHeader) return base::corrupt("its header is too long");
  STARLING_ASSIGN(const base::ByteView header, reader.take(header_size));
  Checkpoint checkpoint;
  TrainingState& state = checkpoint.state;
  STARLING_ASSIGN(const std::string recipe, decode_header(header, state));
  STARLING_ASSIGN(checkpoint.recipe, parse_recipe(recipe));
  STARLING_TRY(validate(checkpoint.recipe));
  STARLING_ASSIGN(state.beta1_power, read_tensor(reader, {}));
  STARLING_ASSIGN(state.beta2_power, read_tensor(reader, {}));
  for (auto* group : {&state.values, &state.first_moments, &state.second_moments, &state.averages}) {
    for (const models::Parameter& parameter : state.parameters) {
      STARLING_ASSIGN(Tensor tensor, read_tensor(reader, parameter.shape));
      group->push_back(std::move(tensor));
    }
  }
  if (reader.left() != 0) return base::corrupt("it has bytes left over");
  return checkpoint;
}

}  // namespace

base::Status save_checkpoint(const fs::path& folder, const Recipe& recipe, const TrainingState& state,
                             std::uint64_t keep_every) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return base::io_error("cannot make the folder '" + folder.string() + "': " + error.message());
  const fs::path path = checkpoint_path(folder, state.step);
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  base::Sha256 digest;
  const auto write = [&](base::ByteView bytes) {
    digest.update(bytes);
    return file.write(bytes);
  };
  const base::Bytes header = encode_header(recipe, state);
  base::Encoder length;
  length.u64(header.size());
  STARLING_TRY(write(base::as_bytes(kCheckpointMagic)));
  STARLING_TRY(write(length.data()));
  STARLING_TRY(write(header));
  for (const Tensor* tensor : stored_tensors(state)) STARLING_TRY(write(tensor->bytes()));
  const base::Hash hash = digest.finish();
  STARLING_TRY(file.write(hash.bytes));
  STARLING_TRY(file.commit());
  STARLING_ASSIGN(const std::vector<Found> all, find_checkpoints(folder));
  for (std::size_t i = 0; i + kKept < all.size(); ++i) {
    if (keep_every != 0 && all[i].step % keep_every == 0) continue;
    if (!fs::remove(all[i].path, error) && error) {
      return base::io_error("cannot remove the old checkpoint '" + all[i].path.string() + "': " + error.message());
    }
  }
  return {};
}

base::Result<std::vector<std::uint64_t>> checkpoint_steps(const fs::path& folder) {
  STARLING_ASSIGN(const std::vector<Found> all, find_checkpoints(folder));
  std::vector<std::uint64_t> steps;
  steps.reserve(all.size());
  for (const Found& found : all) steps.push_back(found.step);
  return steps;
}

base::Result<Checkpoint> load_checkpoint(const fs::path& folder, std::uint64_t step) {
  const fs::path path = checkpoint_path(folder, step);
  STARLING_ASSIGN(const base::MappedFile file, base::MappedFile::open(path));
  base::Result<Checkpoint> checkpoint = decode(file.bytes());
  if (checkpoint.ok() && checkpoint->state.step != step) checkpoint = base::corrupt("it is of another step");
  if (!checkpoint.ok()) {
    return base::corrupt("the checkpoint '" + path.string() + "' cannot be used: " + checkpoint.error().message +
                         "; remove it to go on from the one before");
  }
  return checkpoint;
}

base::Result<std::optional<Checkpoint>> load_newest_checkpoint(const fs::path& folder) {
  STARLING_ASSIGN(const std::vector<std::uint64_t> steps, checkpoint_steps(folder));
  if (steps.empty()) return std::optional<Checkpoint>();
  STARLING_ASSIGN(Checkpoint checkpoint, load_checkpoint(folder, steps.back()));
  return std::optional<Checkpoint>(std::move(checkpoint));
}

base::Result<std::optional<Checkpoint>> load_newest_checkpoint(const fs::path& folder,
                                                               const std::vector<models::Parameter>& parameters) {
  STARLING_ASSIGN(std::optional<Checkpoint> checkpoint, load_newest_checkpoint(folder));
  if (!checkpoint) return checkpoint;
  const std::vector<models::Parameter>& stored = checkpoint->state.parameters;
  bool same = stored.size() == parameters.size();
  for (std::size_t i = 0; same && i < stored.size(); ++i) {
    same = stored[i].name == parameters[i].name && stored[i].shape == parameters[i].shape;
  }
  if (!same) {
    return base::invalid("the checkpoint in '" + folder.string() +
                         "' is of a model with other parameters; train into another folder");
  }
  checkpoint->state.parameters = parameters;
  return checkpoint;
}

}  // namespace starling::train
