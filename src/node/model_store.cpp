#include "node/model_store.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "base/file.h"
#include "base/log.h"
#include "ledger/json_fields.h"

namespace starling::node {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostFiles = 1'000;
constexpr std::size_t kMostNameBytes = 200;

// One folder deep at most, in letters, digits, '.', '_' and '-', no part beginning with a dot.
bool is_file_name(std::string_view name) {
  if (name.empty() || name.size() > kMostNameBytes) return false;
  bool begins = true;
  std::size_t folders = 0;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (c == '/') {
      if (begins || ++folders > 1) return false;
    } else if (!letter && (begins || (c != '.' && c != '_' && c != '-'))) {
      return false;
    }
    begins = c == '/';
  }
  return !begins;
}

std::string pin_owner(const base::Hash& root) { return "model-" + root.hex().substr(0, 16); }

}  // namespace

base::Json model_files_json(const std::vector<ModelFile>& files) {
  base::Json list = base::Json::empty_array();
  for (const ModelFile& file : files) {
    base::Json item = base::Json::empty_object();
    item.set("name", file.name);
    item.set("bytes", std::to_string(file.bytes));
    item.set("blob", "0x" + file.blob.hex());
    list.push(std::move(item));
  }
  base::Json json = base::Json::empty_object();
  json.set("files", std::move(list));
  return json;
}

base::Result<std::vector<ModelFile>> model_files_from_json(const base::Json& json) {
  STARLING_ASSIGN(const base::Json* const list, json.array("files"));
  if (list->elements().size() > kMostFiles) return base::limit_error("a model has at most 1000 files");
  std::vector<ModelFile> files;
  std::set<std::string> names;
  for (const base::Json& item : list->elements()) {
    ModelFile file;
    STARLING_ASSIGN(file.name, item.text("name"));
    if (!is_file_name(file.name) || !names.insert(file.name).second) {
      return base::corrupt("'" + file.name + "' is no name of a model's file, or is there twice");
    }
    const base::Json* const bytes = item.find("bytes");
    if (bytes == nullptr) return base::corrupt("bytes: missing");
    STARLING_ASSIGN(file.bytes, ledger::json_u64(*bytes));
    STARLING_ASSIGN(const std::string blob, item.text("blob"));
    STARLING_ASSIGN(file.blob, base::Hash::from_hex(blob));
    files.push_back(std::move(file));
  }
  return files;
}

base::Result<std::unique_ptr<ModelStore>> ModelStore::open(const fs::path& folder, store::Blobs& blobs,
                                                           Prepare prepare) {
  STARLING_TRY(base::make_directories(folder));
  std::unique_ptr<ModelStore> store(new ModelStore(folder, blobs, std::move(prepare)));
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    found.push_back(it->path());
  }
  if (error) return base::io_error("cannot list " + folder.string() + ": " + error.message());
  std::ranges::sort(found);
  for (const fs::path& path : found) {
    const auto wanted = base::Hash::from_hex(path.filename().string());
    const auto root = wanted.ok() ? store->add(path) : wanted;
    if (root.ok() && *root == *wanted) continue;
    if (!root.ok() && root.error().code == base::ErrorCode::kIo) return root.error();
    base::log(base::LogLevel::kWarning, "removing a model that is not whole", {{"folder", path.string()}});
    if (root.ok()) store->models_.erase(*root);
    fs::remove_all(path, error);
  }
  return store;
}

base::Result<base::Hash> ModelStore::add(const fs::path& folder) {
  STARLING_ASSIGN(models::Checkpoint opened, models::Checkpoint::open(folder));
  STARLING_ASSIGN(const base::Hash root, opened.root());
  if (prepare_) STARLING_TRY(prepare_(opened, root));
  const std::scoped_lock lock(mutex_);
  models_.try_emplace(root, Entry{folder, std::make_shared<models::Checkpoint>(std::move(opened)), {}});
  return root;
}

std::shared_ptr<const models::Checkpoint> ModelStore::find(const base::Hash& root) const {
  const std::scoped_lock lock(mutex_);
  const auto found = models_.find(root);
  return found == models_.end() ? nullptr : found->second.checkpoint;
}

std::vector<base::Hash> ModelStore::roots() const {
  const std::scoped_lock lock(mutex_);
  std::vector<base::Hash> roots;
  for (const auto& [root, entry] : models_) roots.push_back(root);
  return roots;
}

base::Result<std::vector<ModelFile>> ModelStore::files(const base::Hash& root, std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  const auto found = models_.find(root);
  if (found == models_.end()) return base::not_found("the model " + root.hex() + " is not here");
  Entry& entry = found->second;
  if (!entry.files.empty()) return entry.files;
  STARLING_ASSIGN(const std::vector<models::Checkpoint::File> names, entry.checkpoint->files());
  std::vector<ModelFile> files;
  for (const models::Checkpoint::File& file : names) {
    STARLING_ASSIGN(const base::Hash blob, blobs_.put_file(entry.folder / file.name, now));
    STARLING_TRY(blobs_.pin(blob, pin_owner(root)));
    files.push_back({file.name, file.bytes, blob});
  }
  entry.files = files;
  return files;
}

base::Status ModelStore::fetch(const base::Hash& root, const std::vector<std::string>& sources,
                               std::uint64_t most_bytes, HttpClient& http, BlobExchange& exchange,
                               const std::function<bool()>& cancelled, std::int64_t now) {
  const std::scoped_lock lock(fetching_);
  if (find(root) != nullptr) return {};
  base::Status last = base::not_found("nobody is known to have the model " + root.hex());
  for (const std::string& source : sources) {
    const auto from_source = [&]() -> base::Status {
      HttpRequest request;
      request.url = source + "/v1/models/" + root.hex() + "/files";
      request.cancelled = cancelled;
      STARLING_ASSIGN(const HttpReply reply, http.send(request));
      STARLING_TRY(reply_status(request.url, reply));
      STARLING_ASSIGN(const base::Json json, base::Json::parse(reply.body, source));
      STARLING_ASSIGN(const std::vector<ModelFile> files, model_files_from_json(json));
      std::uint64_t left = most_bytes;
      for (const ModelFile& file : files) {
        if (file.bytes > left) return base::limit_error("the model is larger than this node takes");
        left -= file.bytes;
      }
      base::Status fetched = [&]() -> base::Status {
        for (const ModelFile& file : files) {
          STARLING_TRY(blobs_.pin(file.blob, pin_owner(root)));
          FetchOptions options;
          options.most_bytes = file.bytes;
          options.cancelled = cancelled;
          STARLING_TRY(exchange.fetch(file.blob, sources, options));
        }
        return assemble(root, files, now);
      }();
      if (fetched.ok()) return {};
      for (const ModelFile& file : files) STARLING_TRY(blobs_.unpin(file.blob, pin_owner(root)));
      return fetched;
    };
    last = from_source();
    if (last.ok() || last.error().code == base::ErrorCode::kCancelled) return last;
    base::log(base::LogLevel::kInfo, "a model could not be fetched",
              {{"model", root.hex()}, {"source", source}, {"reason", last.error().message}});
  }
  return last;
}

base::Status ModelStore::assemble(const base::Hash& root, const std::vector<ModelFile>& files, std::int64_t now) {
  const fs::path place = folder_ / root.hex();
  const fs::path building = folder_ / (root.hex() + ".partial");
  std::error_code error;
  fs::remove_all(building, error);
  STARLING_TRY(base::make_directories(building));
  for (const ModelFile& file : files) {
    const fs::path to = building / file.name;
    STARLING_TRY(base::make_directories(to.parent_path()));
    STARLING_ASSIGN(const fs::path from, blobs_.path(file.blob, now));
    fs::create_hard_link(from, to, error);
    if (error) fs::copy_file(from, to, error);
    if (error) return base::io_error("cannot write " + to.string() + ": " + error.message());
  }
  base::Status checked = [&]() -> base::Status {
    STARLING_ASSIGN(const models::Checkpoint opened, models::Checkpoint::open(building));
    STARLING_ASSIGN(const base::Hash found, opened.root());
    if (found != root) return base::corrupt("what was fetched is the model " + found.hex() + ", not " + root.hex());
    return {};
  }();
  if (!checked.ok()) {
    fs::remove_all(building, error);
    return checked;
  }
  fs::rename(building, place, error);
  if (error) return base::io_error("cannot write " + place.string() + ": " + error.message());
  STARLING_TRY(base::sync_directory(folder_));
  STARLING_ASSIGN(const base::Hash added, add(place));
  const std::scoped_lock lock(mutex_);
  models_[added].files = files;
  return {};
}

}  // namespace starling::node
