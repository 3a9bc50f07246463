#include "models/safetensors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <tuple>

#include "base/file.h"
#include "models/json_fields.h"

namespace starling::models {
namespace {

using base::Json;
using exact::Shape;
using exact::Tensor;
using exact::Type;

constexpr std::uint64_t kMaxHeader = std::uint64_t{32} << 20U;
constexpr std::uint64_t kMaxIndex = std::uint64_t{32} << 20U;
constexpr std::size_t kMaxTensorName = 512;
constexpr std::size_t kMaxShards = 4096;
constexpr std::size_t kDataAlignment = 64;
constexpr const char* kExtension = ".safetensors";
constexpr const char* kIndexExtension = ".safetensors.index.json";

struct TypeName {
  Type type;
  std::string_view name;
};
constexpr std::array<TypeName, 6> kTypeNames{{{Type::kF32, "F32"},
                                              {Type::kI32, "I32"},
                                              {Type::kI8, "I8"},
                                              {Type::kU8, "U8"},
                                              {Type::kBf16, "BF16"},
                                              {Type::kF16, "F16"}}};

std::string_view dtype_name(Type type) { return std::ranges::find(kTypeNames, type, &TypeName::type)->name; }

std::optional<Type> parse_dtype(const Json& json) {
  const auto text = json.as_text();
  if (!text.ok()) return std::nullopt;
  const auto row = std::ranges::find(kTypeNames, std::string_view(*text), &TypeName::name);
  return row == kTypeNames.end() ? std::nullopt : std::optional(row->type);
}

bool parse_size(const Json& json, std::uint64_t limit, std::uint64_t& value) {
  const auto read = json.as_u64();
  if (!read.ok() || *read > limit) return false;
  value = *read;
  return true;
}

// The shape, if its sizes and their product are possible.
std::optional<Shape> parse_shape(const Json& json) {
  if (!json.is_array() || json.elements().size() > exact::kMaxRank) return std::nullopt;
  Shape shape;
  std::uint64_t elements = 1;
  for (const Json& item : json.elements()) {
    std::uint64_t size = 0;
    if (!parse_size(item, exact::kMaxElements, size) || size == 0) return std::nullopt;
    if (size > exact::kMaxElements / elements) return std::nullopt;
    elements *= size;
    shape.append(static_cast<std::int64_t>(size));
  }
  return shape;
}

base::Result<TensorEntry> parse_entry(const std::string& name, const Json& json, std::uint64_t data_size,
                                      const std::string& what) {
  const std::string where = "the header of " + what + ": tensor '" + name.substr(0, kMaxTensorName) + "' ";
  if (name.empty() || name.size() > kMaxTensorName) return base::corrupt(where + "has an impossible name.");
  const Json* dtype = json.find("dtype");
  const Json* sizes = json.find("shape");
  const Json* offsets = json.find("data_offsets");
  if (dtype == nullptr || sizes == nullptr || offsets == nullptr) {
    return base::corrupt(where + "has no dtype, shape and data_offsets.");
  }
  const auto type = parse_dtype(*dtype);
  if (!type) {
    return base::unsupported(where + "has dtype " + dtype->to_text().substr(0, 32) +
                             "; supported are F32, F16, BF16, I32, I8 and U8.");
  }
  const auto shape = parse_shape(*sizes);
  if (!shape) return base::corrupt(where + "has an impossible shape.");
  TensorEntry entry{name, *type, *shape, 0, 0};
  const std::vector<Json>& ends = offsets->elements();
  if (ends.size() != 2 || !parse_size(ends[0], data_size, entry.begin) || !parse_size(ends[1], data_size, entry.end) ||
      entry.begin > entry.end) {
    return base::corrupt(where + "lies outside of the file's " + std::to_string(data_size) +
                         " bytes of data; the file is damaged or cut short, fetch it again.");
  }
  const std::uint64_t bytes = static_cast<std::uint64_t>(shape->elements()) * exact::type_size(*type);
  if (entry.end - entry.begin != bytes) {
    return base::corrupt(where + "has " + std::to_string(entry.end - entry.begin) + " bytes; its shape needs " +
                         std::to_string(bytes) + "; the file is damaged, fetch it again.");
  }
  return entry;
}

base::Status parse_metadata(const Json& json, const std::string& what, std::map<std::string, std::string>& metadata) {
  if (!json.is_object()) return base::corrupt("the header of " + what + ": __metadata__ is not an object.");
  for (const auto& [key, value] : json.members()) {
    auto text = value.as_text();
    if (!text.ok()) return base::corrupt("the header of " + what + ": __metadata__ holds more than text.");
    metadata.emplace(key, *std::move(text));
  }
  return {};
}

// The data must be covered once, from end to end.
base::Status check_cover(const std::vector<TensorEntry>& tensors, std::uint64_t data_size, const std::string& what) {
  std::vector<const TensorEntry*> order;
  for (const TensorEntry& entry : tensors) order.push_back(&entry);
  std::ranges::sort(order, {}, [](const TensorEntry* entry) { return std::pair(entry->begin, entry->end); });
  std::uint64_t at = 0;
  for (const TensorEntry* entry : order) {
    if (entry->begin != at) {
      return base::corrupt("the header of " + what + ": tensor '" + entry->name +
                           (entry->begin < at ? "' overlaps another" : "' leaves a hole before it") +
                           "; the file is damaged, fetch it again.");
    }
    at = entry->end;
  }
  if (at == data_size) return {};
  return base::corrupt(what + " has " + std::to_string(data_size - at) +
                       " bytes after its last tensor; the file is damaged, fetch it again.");
}

std::string header_text(const std::vector<TensorSource>& tensors, const std::map<std::string, std::string>& metadata) {
  Json header = Json::empty_object();
  if (!metadata.empty()) {
    Json texts = Json::empty_object();
    for (const auto& [key, value] : metadata) texts.set(key, value);
    header.set("__metadata__", std::move(texts));
  }
  std::uint64_t at = 0;
  for (const TensorSource& tensor : tensors) {
    const std::uint64_t end = at + static_cast<std::uint64_t>(tensor.shape.elements()) * exact::type_size(tensor.type);
    Json sizes = Json::empty_array();
    for (const std::int64_t size : tensor.shape.sizes()) sizes.push(size);
    Json entry = Json::empty_object();
    entry.set("data_offsets", Json(std::vector<Json>{at, end}));
    entry.set("dtype", dtype_name(tensor.type));
    entry.set("shape", std::move(sizes));
    header.set(tensor.name, std::move(entry));
    at = end;
  }
  std::string text = header.to_text();
  while ((text.size() + sizeof(std::uint64_t)) % kDataAlignment != 0) text += ' ';
  return text;
}

// The bytes of a file before its data.
base::Bytes before_data(const std::vector<TensorSource>& tensors, const std::map<std::string, std::string>& metadata) {
  const std::string header = header_text(tensors, metadata);
  base::Bytes bytes;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{header.size()} >> shift));
  }
  bytes.insert(bytes.end(), header.begin(), header.end());
  return bytes;
}

void sort_sources(std::vector<TensorSource>& tensors) {
  std::ranges::sort(tensors, [](const TensorSource& a, const TensorSource& b) {
    const std::size_t a_size = exact::type_size(a.type);
    const std::size_t b_size = exact::type_size(b.type);
    return std::tie(b_size, a.name) < std::tie(a_size, b.name);
  });
}

bool is_plain_file_name(const std::string& name) {
  return name.size() < 256 && name.ends_with(kExtension) && name.find('/') == std::string::npos &&
         name.find('\\') == std::string::npos && name.find('\0') == std::string::npos && !name.starts_with('.');
}

base::Error misplaced(const std::filesystem::path& index, const std::string& tensor, const std::string& shard) {
  return base::corrupt(index.string() + " places tensor '" + tensor + "' in " + shard +
                       ", where it is not; fetch the files again.");
}

std::string shard_name(const std::string& stem, std::size_t index, std::size_t count) {
  const auto five = [](std::size_t number) {
    std::string digits = std::to_string(number);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  return stem + "-" + five(index + 1) + "-of-" + five(count) + kExtension;
}

// The files that hold a component's tensors, and their index if they are shards.
struct WeightLayout {
  struct File {
    std::string name;
    std::vector<TensorSource> tensors;
  };
  std::vector<File> files;
  std::string index;  // empty: one file, without
};

WeightLayout lay_out(const std::string& stem, std::vector<TensorSource> tensors, std::uint64_t max_file_bytes) {
  sort_sources(tensors);
  WeightLayout layout;
  layout.files.emplace_back();
  std::uint64_t shard_bytes = 0;
  std::uint64_t total = 0;
  for (TensorSource& tensor : tensors) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(tensor.shape.elements()) * exact::type_size(tensor.type);
    if (!layout.files.back().tensors.empty() && shard_bytes + bytes > max_file_bytes) {
      layout.files.emplace_back();
      shard_bytes = 0;
    }
    shard_bytes += bytes;
    total += bytes;
    layout.files.back().tensors.push_back(std::move(tensor));
  }
  if (layout.files.size() == 1) {
    layout.files[0].name = stem + kExtension;
    return layout;
  }
  Json weight_map = Json::empty_object();
  for (std::size_t i = 0; i < layout.files.size(); ++i) {
    WeightLayout::File& file = layout.files[i];
    file.name = shard_name(stem, i, layout.files.size());
    for (const TensorSource& tensor : file.tensors) weight_map.set(tensor.name, file.name);
  }
  Json sizes = Json::empty_object();
  sizes.set("total_size", total);
  Json index = Json::empty_object();
  index.set("metadata", std::move(sizes));
  index.set("weight_map", std::move(weight_map));
  layout.index = index.to_text(2) + "\n";
  return layout;
}

// transformers insists on it.
const std::map<std::string, std::string>& weights_metadata() {
  static const std::map<std::string, std::string> kMetadata{{"format", "pt"}};
  return kMetadata;
}

// Removes files of `stem` that are not in `keep`.
base::Status remove_stale(const std::filesystem::path& folder, const std::string& stem,
                          const std::vector<std::string>& keep) {
  std::error_code error;
  std::vector<std::filesystem::path> stale;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const bool ours = name == stem + kExtension || name == stem + kIndexExtension ||
                      (name.starts_with(stem + "-") && name.ends_with(kExtension));
    if (ours && std::ranges::find(keep, name) == keep.end()) stale.push_back(it->path());
  }
  for (const auto& path : stale) {
    if (!error) std::filesystem::remove(path, error);
  }
  if (error) return base::io_error("cannot clean up " + folder.string() + ": " + error.message() + ".");
  return {};
}

}  // namespace

base::Result<SafetensorsHeader> SafetensorsHeader::parse(base::ByteView file, const std::string& what) {
  std::uint64_t length = 0;
  if (file.size() < sizeof(length)) return base::corrupt(what + " is too short to be a safetensors file.");
  for (std::size_t i = sizeof(length); i-- > 0;) length = length << 8U | file[i];
  if (length > file.size() - sizeof(length)) {
    return base::corrupt(what + " says that its header has " + std::to_string(length) +
                         " bytes, more than the file; it is cut short, fetch it again, or not a safetensors file.");
  }
  if (length > kMaxHeader) {
    return base::Error{base::ErrorCode::kLimit, what + " has a header of " + std::to_string(length) +
                                                    " bytes; at most " + std::to_string(kMaxHeader) + " are read."};
  }
  const base::ByteView text = file.subspan(sizeof(length), length);
  STARLING_ASSIGN(const Json json, parse_json_object({reinterpret_cast<const char*>(text.data()), text.size()},
                                                     "the header of " + what, kMaxHeader));
  SafetensorsHeader header;
  header.data_offset = sizeof(length) + length;
  const std::uint64_t data_size = file.size() - header.data_offset;
  for (const auto& [name, value] : json.members()) {
    if (name == "__metadata__") {
      STARLING_TRY(parse_metadata(value, what, header.metadata));
    } else {
      STARLING_ASSIGN(TensorEntry entry, parse_entry(name, value, data_size, what));
      header.tensors.push_back(std::move(entry));
    }
  }
  STARLING_TRY(check_cover(header.tensors, data_size, what));
  std::ranges::sort(header.tensors, {}, &TensorEntry::name);
  return header;
}

// --- reading

struct WeightFiles::File {
  base::MappedFile mapping;
  SafetensorsHeader header;
};

base::Status WeightFiles::add(const std::filesystem::path& path) {
  STARLING_ASSIGN(base::MappedFile mapping, base::MappedFile::open(path));
  STARLING_ASSIGN(SafetensorsHeader header, SafetensorsHeader::parse(mapping.bytes(), path.string()));
  framing_.emplace(path.filename().string(), base::sha256(mapping.bytes().first(header.data_offset)));
  auto file = std::make_shared<const File>(File{std::move(mapping), std::move(header)});
  for (std::size_t i = 0; i < file->header.tensors.size(); ++i) {
    if (!places_.try_emplace(file->header.tensors[i].name, Place{file, i}).second) {
      return base::corrupt("tensor '" + file->header.tensors[i].name + "' is in two files of " +
                           path.parent_path().string() + ".");
    }
  }
  files_.push_back(std::move(file));
  return {};
}

base::Result<WeightFiles> WeightFiles::open_file(const std::filesystem::path& path) {
  WeightFiles files;
  STARLING_TRY(files.add(path));
  return files;
}

base::Result<WeightFiles> WeightFiles::open(const std::filesystem::path& folder, const std::string& stem) {
  std::error_code error;
  const std::filesystem::path index_path = folder / (stem + kIndexExtension);
  const std::filesystem::path single_path = folder / (stem + kExtension);
  if (std::filesystem::exists(single_path, error)) return open_file(single_path);
  if (!std::filesystem::exists(index_path, error)) {
    return base::not_found("there is neither " + single_path.string() + " nor its index; fetch the model's weights.");
  }
  STARLING_ASSIGN(const base::Bytes text, base::read_file(index_path, kMaxIndex));
  STARLING_ASSIGN(const Json index,
                  parse_json_object({reinterpret_cast<const char*>(text.data()), text.size()}, index_path.string()));
  const Json* map = index.find("weight_map");
  if (map == nullptr || !map->is_object()) return base::corrupt(index_path.string() + " has no weight_map.");
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, value] : map->members()) {
    const auto shard = value.as_text();
    if (!shard.ok() || !is_plain_file_name(*shard)) {
      return base::corrupt(index_path.string() + ": tensor '" + tensor + "' is not placed in a file of its folder.");
    }
    shards[*shard].push_back(tensor);
  }
  if (shards.size() > kMaxShards) return base::corrupt(index_path.string() + " lists too many files.");
  WeightFiles files;
  files.framing_.emplace(index_path.filename().string(), base::sha256(text));
  for (const auto& [shard, tensors] : shards) {
    STARLING_TRY(files.add(folder / shard));
    for (const std::string& tensor : tensors) {
      const auto found = files.places_.find(tensor);
      if (found == files.places_.end() || found->second.file != files.files_.back()) {
        return misplaced(index_path, tensor, shard);
      }
    }
  }
  return files;
}

std::vector<std::string> WeightFiles::names() const {
  std::vector<std::string> names;
  for (const auto& [name, place] : places_) names.push_back(name);
  return names;
}

const TensorEntry* WeightFiles::find(std::string_view name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &found->second.file->header.tensors[found->second.entry];
}

base::Result<Tensor> WeightFiles::tensor(std::string_view name) const {
  const auto found = places_.find(name);
  if (found == places_.end()) return base::not_found("the checkpoint has no tensor '" + std::string(name) + "'.");
  const auto& [file, index] = found->second;
  const TensorEntry& entry = file->header.tensors[index];
  const std::uint8_t* data = file->mapping.bytes().data() + file->header.data_offset + entry.begin;
  if (reinterpret_cast<std::uintptr_t>(data) % exact::type_size(entry.type) == 0) {
    return Tensor::view(entry.type, entry.shape, data, file);
  }
  STARLING_ASSIGN(Tensor copy, Tensor::allocate(entry.type, entry.shape));
  std::copy_n(data, copy.byte_size(), copy.mutable_bytes().data());
  return copy;
}

const std::map<std::string, std::string>& WeightFiles::metadata() const {
  static const std::map<std::string, std::string> kNone;
  return files_.empty() ? kNone : files_.front()->header.metadata;
}

// --- writing

TensorSource TensorSource::of(std::string name, Tensor tensor) {
  const Type type = tensor.type();
  const Shape shape = tensor.shape();
  return {std::move(name), type, shape,
          [tensor = std::move(tensor)](const ByteSink& to) { return to(tensor.bytes()); }};
}

base::Status write_safetensors(const std::filesystem::path& path, std::vector<TensorSource> tensors,
                               const std::map<std::string, std::string>& metadata) {
  sort_sources(tensors);
  std::map<std::string_view, int> seen;
  for (const TensorSource& tensor : tensors) {
    if (tensor.name.empty() || tensor.name.size() > kMaxTensorName || tensor.name == "__metadata__" ||
        seen[tensor.name]++ != 0) {
      return base::invalid("cannot write two tensors, or one without a proper name, as '" + tensor.name + "'.");
    }
  }
  STARLING_ASSIGN(base::AtomicFile file, base::AtomicFile::create(path));
  STARLING_TRY(file.write(before_data(tensors, metadata)));
  for (const TensorSource& source : tensors) {
    std::uint64_t left = static_cast<std::uint64_t>(source.shape.elements()) * exact::type_size(source.type);
    const base::Error wrong{base::ErrorCode::kInternal, "tensor '" + source.name + "' came with another size."};
    STARLING_TRY(source.make([&](base::ByteView bytes) -> base::Status {
      if (bytes.size() > left) return wrong;
      left -= bytes.size();
      return file.write(bytes);
    }));
    if (left != 0) return wrong;
  }
  return file.commit();
}

std::map<std::string, base::Hash> new_framing(const std::string& stem, std::vector<TensorSource> tensors,
                                              std::uint64_t max_file_bytes) {
  const WeightLayout layout = lay_out(stem, std::move(tensors), max_file_bytes);
  std::map<std::string, base::Hash> framing;
  for (const WeightLayout::File& file : layout.files) {
    framing.emplace(file.name, base::sha256(before_data(file.tensors, weights_metadata())));
  }
  if (!layout.index.empty()) framing.emplace(stem + kIndexExtension, base::sha256(base::as_bytes(layout.index)));
  return framing;
}

base::Status write_weights(const std::filesystem::path& folder, const std::string& stem,
                           std::vector<TensorSource> tensors, std::uint64_t max_file_bytes) {
  WeightLayout layout = lay_out(stem, std::move(tensors), max_file_bytes);
  std::vector<std::string> written;
  for (WeightLayout::File& file : layout.files) {
    STARLING_TRY(write_safetensors(folder / file.name, std::move(file.tensors), weights_metadata()));
    written.push_back(file.name);
  }
  if (!layout.index.empty()) {
    written.push_back(stem + kIndexExtension);
    STARLING_TRY(base::write_file(folder / written.back(), base::as_bytes(layout.index)));
  }
  return remove_stale(folder, stem, written);
}

}  // namespace starling::models
