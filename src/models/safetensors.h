#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "exact/tensor.h"

namespace starling::models {

// The safetensors format (huggingface/safetensors, README "Format"): u64 little-endian length of a JSON header, the
// header {name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {text: text}}, then the data, which the
// offsets must cover without holes or overlaps.

struct TensorEntry {
  std::string name;
  exact::Type type;
  exact::Shape shape;
  std::uint64_t begin;  // in the data
  std::uint64_t end;
};

// A file's header, checked in full: everything a hostile file could claim is bounded by the bytes that are there.
struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  // by name
  std::map<std::string, std::string> metadata;
  std::uint64_t data_offset;  // of the data within the file

  // `what` names the file in errors.
  static base::Result<SafetensorsHeader> parse(base::ByteView file, const std::string& what);
};

// The weights of one component of a checkpoint: STEM.safetensors, or the shards that STEM.safetensors.index.json lists.
// Files are mapped; a tensor is read when it is used. Copies share the mapping.
class WeightFiles {
 public:
  static base::Result<WeightFiles> open(const std::filesystem::path& folder, const std::string& stem);
  static base::Result<WeightFiles> open_file(const std::filesystem::path& path);

  std::vector<std::string> names() const;  // sorted
  // nullptr if there is none of that name.
  const TensorEntry* find(std::string_view name) const;
  // The tensor as it is stored; the mapped memory itself where it is aligned, else a copy.
  base::Result<exact::Tensor> tensor(std::string_view name) const;
  // Of the first file.
  const std::map<std::string, std::string>& metadata() const;
  // SHA-256 of what the files hold beside tensors, by file name: of the index whole, of each safetensors file what lies
  // before its data.
  const std::map<std::string, base::Hash>& framing() const { return framing_; }

 private:
  struct File;
  struct Place {
    std::shared_ptr<const File> file;
    std::size_t entry;
  };
  base::Status add(const std::filesystem::path& path);
  std::vector<std::shared_ptr<const File>> files_;
  std::map<std::string, base::Hash> framing_;
  std::map<std::string, Place, std::less<>> places_;
};

// Takes the bytes of a tensor, in order, in as many parts as it likes.
using ByteSink = std::function<base::Status(base::ByteView)>;

// A tensor to be written, made part by part when its turn comes.
struct TensorSource {
  std::string name;
  exact::Type type;
  exact::Shape shape;
  std::function<base::Status(const ByteSink&)> make;

  static TensorSource of(std::string name, exact::Tensor tensor);
};

// Writes one file, atomically. The bytes depend only on names, tensors and metadata: wide types first, then by name;
// the data begins at a multiple of 64.
base::Status write_safetensors(const std::filesystem::path& path, std::vector<TensorSource> tensors,
                               const std::map<std::string, std::string>& metadata);

// What WeightFiles::framing() will be of what write_weights() writes.
std::map<std::string, base::Hash> new_framing(const std::string& stem, std::vector<TensorSource> tensors,
                                              std::uint64_t max_file_bytes);

// Writes FOLDER/STEM.safetensors or, over max_file_bytes of data, shards of at most that (but at least one tensor) and
// their index. Files of an earlier write under the same stem are removed.
base::Status write_weights(const std::filesystem::path& folder, const std::string& stem,
                           std::vector<TensorSource> tensors, std::uint64_t max_file_bytes);

}  // namespace starling::models
