#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"
#include "models/checkpoint.h"
#include "node/blob_exchange.h"
#include "node/http_client.h"
#include "store/blobs.h"

namespace starling::node {

// A file of a model as peers name it: where it lies in the folder, and the blob that holds its bytes.
struct ModelFile {
  std::string name;  // as "vae/config.json"
  std::uint64_t bytes = 0;
  base::Hash blob;
};

// {"files": [{"name", "bytes", "blob"}]}, and back. Names lead nowhere but into the folder; an error if they would.
base::Json model_files_json(const std::vector<ModelFile>& files);
base::Result<std::vector<ModelFile>> model_files_from_json(const base::Json& json);

// The models of this machine, by root: folders that were named, and those fetched from peers, which lie under
// folder/ROOT. A model that is open stays so. Thread safe.
class ModelStore {
 public:
  // What is done to a model of that root before it is here: packing its weights, say.
  using Prepare = std::function<base::Status(models::Checkpoint& model, const base::Hash& root)>;

  // Opens what was fetched before; one that is damaged is removed. blobs outlives the store.
  static base::Result<std::unique_ptr<ModelStore>> open(const std::filesystem::path& folder, store::Blobs& blobs,
                                                        Prepare prepare = {});

  // Adds a model's folder, reading all of it to learn its root.
  base::Result<base::Hash> add(const std::filesystem::path& folder);
  // Nothing if the model is not here.
  std::shared_ptr<const models::Checkpoint> find(const base::Hash& root) const;
  std::vector<base::Hash> roots() const;
  // The model's files, for peers that fetch it; puts them among the blobs and pins them there when first asked.
  base::Result<std::vector<ModelFile>> files(const base::Hash& root, std::int64_t now);
  // Gets a model of at most so many bytes from the first of the sources that has it. Fine if it is here.
  base::Status fetch(const base::Hash& root, const std::vector<std::string>& sources, std::uint64_t most_bytes,
                     HttpClient& http, BlobExchange& exchange, const std::function<bool()>& cancelled,
                     std::int64_t now);

 private:
  struct Entry {
    std::filesystem::path folder;
    std::shared_ptr<const models::Checkpoint> checkpoint;
    std::vector<ModelFile> files;  // empty until asked
  };
  ModelStore(std::filesystem::path folder, store::Blobs& blobs, Prepare prepare)
      : folder_(std::move(folder)), blobs_(blobs), prepare_(std::move(prepare)) {}
  base::Status assemble(const base::Hash& root, const std::vector<ModelFile>& files, std::int64_t now);

  const std::filesystem::path folder_;
  store::Blobs& blobs_;
  const Prepare prepare_;
  std::mutex fetching_;
  mutable std::mutex mutex_;
  std::map<base::Hash, Entry> models_;
};

}  // namespace starling::node
