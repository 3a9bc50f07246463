#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/hash.h"
#include "base/result.h"
#include "exact/engine.h"
#include "exact/packed_operand.h"
#include "models/panel_table.h"

namespace starling::models {

class Checkpoint;

// A model's weights as products read them on one kind of machine, in a file beside the model, mapped (docs/models.md).
class PackedWeights : public std::enable_shared_from_this<PackedWeights> {
 public:
  ~PackedWeights();
  // The file for a model of that root in `folder`.
  static std::filesystem::path path(const std::filesystem::path& folder, const base::Hash& root,
                                    const exact::Packer& packer);
  // kNotFound where there is none; kCorrupt where it is not whole, or of another model or other kernels; kUnsupported
  // where others than this user could have written it. Its panels are read, and checked, when they are first needed.
  static base::Result<std::shared_ptr<const PackedWeights>> open(const std::filesystem::path& path,
                                                                 const base::Hash& root, const exact::Packer& packer);

  std::uint64_t bytes() const { return file_.bytes().size(); }
  // The weight's panels, which keep the file mapped; nothing if it has none of that type and shape. Once some are found
  // to be other than they were written, that is logged and the file removed.
  std::shared_ptr<const exact::PackedOperand> find(std::string_view name, exact::Type type,
                                                   const exact::Shape& shape) const;

 private:
  struct Panels;
  explicit PackedWeights(base::MappedFile file);
  base::MappedFile file_;
  std::map<std::string, std::unique_ptr<Panels>, std::less<>> panels_;
};

// Writes the file: whole and durable under its name, or not at all. Removes from its folder what is of no use any more:
// files of other models or other versions of these kernels, and what killed processes left. stop is asked now and then.
base::Status write_packed_weights(const std::filesystem::path& path, const base::Hash& root,
                                  const exact::Packer& packer, const std::map<std::string, exact::Tensor>& weights,
                                  const std::function<base::Status()>& stop);

// Bytes of weights below which packing them in advance gains nothing that can be seen.
inline constexpr std::uint64_t kLeastPackedBytes = std::uint64_t{256} << 20U;

struct PackingOptions {
  std::uint64_t least_bytes = kLeastPackedBytes;
  // Told once before a file is made, with its bytes.
  std::function<void(const std::filesystem::path& path, std::uint64_t bytes)> begin;
  std::function<base::Status()> stop;  // an error (kCancelled, say) ends the packing with it
};

// Gives the model's large weights their panels for this engine, from the file beside it, which is made if it is not
// there or not as it should be. Nothing is given to small models, where STARLING_WEIGHT_CACHE is 0, or to engines that
// read nothing packed. Where no file can be made or read (a folder that is read-only, a full disk) that is logged, and
// the model stays as it is: an error is of `stop` alone. root is the model's.
base::Status use_packed_weights(Checkpoint& model, const base::Hash& root, const exact::Engine& engine,
                                const PackingOptions& options = {});

}  // namespace starling::models
