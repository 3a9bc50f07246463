#include "store/snapshot_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"

namespace starling::store {
namespace {

constexpr std::string_view kMagic = "starling state";
constexpr std::uint32_t kSnapshotFormat = 1;
// What is in front of the metadata: magic, format, height, root, entries, length of the metadata.
constexpr std::size_t kFixedBytes = 4 + kMagic.size() + 4 + 8 + 32 + 8 + 4;

base::Bytes encode_header(const SnapshotHeader& header) {
  base::Encoder encoder;
  encoder.text(kMagic);
  encoder.u32(kSnapshotFormat);
  encoder.u64(header.height);
  encoder.hash(header.root);
  encoder.u64(header.entries);
  encoder.bytes(header.metadata);
  return encoder.data();
}

// Chunks are chained, so that none can be left out, moved or put under another header.
base::Hash chunk_hash(const base::Hash& previous, base::ByteView payload) {
  base::Sha256 hash;
  hash.update(previous.bytes);
  hash.update(payload);
  return hash.finish();
}

std::size_t encoded_size(std::size_t key, std::size_t value) { return 8 + key + value; }

class SnapshotWriter {
 public:
  explicit SnapshotWriter(base::AtomicFile& file) : file_(file) {}

  base::Status begin(const SnapshotHeader& header) {
    const base::Bytes bytes = encode_header(header);
    hash_ = base::sha256(bytes);
    STARLING_TRY(file_.write(bytes));
    return file_.write(hash_.bytes);
  }

  base::Status add(base::ByteView key, base::ByteView value) {
    if (chunk_.data().size() + encoded_size(key.size(), value.size()) > kMaxChunkBytes) STARLING_TRY(flush());
    chunk_.bytes(key);
    chunk_.bytes(value);
    return {};
  }

  base::Status end() {
    if (!chunk_.data().empty()) STARLING_TRY(flush());
    return write_length(0);
  }

 private:
  base::Status write_length(std::size_t length) {
    base::Encoder encoder;
    encoder.u32(static_cast<std::uint32_t>(length));
    return file_.write(encoder.data());
  }

  base::Status flush() {
    hash_ = chunk_hash(hash_, chunk_.data());
    STARLING_TRY(write_length(chunk_.data().size()));
    STARLING_TRY(file_.write(chunk_.data()));
    STARLING_TRY(file_.write(hash_.bytes));
    chunk_ = {};
    return {};
  }

  base::AtomicFile& file_;
  base::Encoder chunk_;
  base::Hash hash_;
};

base::Result<SnapshotReader> open_file(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error)) {
    return base::invalid(file.string() + " is not a regular file; name a snapshot");
  }
  const std::shared_ptr<std::FILE> stream(std::fopen(file.c_str(), "rbe"), [](std::FILE* open) {
    if (open != nullptr) std::fclose(open);
  });
  if (stream == nullptr) return base::system_error("read", file, errno);
  const auto source = [stream, file](std::span<std::uint8_t> buffer) -> base::Result<std::size_t> {
    const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), stream.get());
    if (got < buffer.size() && std::ferror(stream.get()) != 0) return base::system_error("read", file, errno);
    return got;
  };
  return SnapshotReader::open(source, file.string());
}

// A folder that is removed unless it is renamed.
class UnfinishedFolder {
 public:
  explicit UnfinishedFolder(std::filesystem::path path) : path_(std::move(path)) { remove(); }
  ~UnfinishedFolder() { remove(); }
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path path_;
};

}  // namespace

base::Error SnapshotReader::malformed(const std::string& what) const {
  return base::corrupt("the snapshot " + name_ + " is damaged (" + what + "); get it again");
}

base::Status SnapshotReader::read(std::span<std::uint8_t> buffer) {
  STARLING_ASSIGN(const std::size_t got, source_(buffer));
  if (got != buffer.size()) return malformed("it ends early");
  return {};
}

base::Result<SnapshotReader> SnapshotReader::open(Source source, std::string name) {
  SnapshotReader reader(std::move(source), std::move(name));
  STARLING_TRY(reader.read_header());
  return reader;
}

base::Status SnapshotReader::read_header() {
  base::Bytes bytes(kFixedBytes);
  STARLING_TRY(read(bytes));
  base::Decoder decoder(bytes);
  if (decoder.text(kMagic.size()) != kMagic) {
    return base::corrupt(name_ + " is not a snapshot of a state");
  }
  if (const std::uint32_t format = decoder.u32(); format != kSnapshotFormat) {
    return base::unsupported("the snapshot " + name_ + " has format " + std::to_string(format) +
                             ", and this program reads format " + std::to_string(kSnapshotFormat));
  }
  header_.height = decoder.u64();
  header_.root = decoder.hash();
  header_.entries = decoder.u64();
  const std::size_t length = decoder.u32();
  if (length > kMaxMetadataBytes) return malformed("its metadata is too long");
  header_.metadata.resize(length);
  STARLING_TRY(read(header_.metadata));
  hash_ = base::sha256(encode_header(header_));
  base::Hash stored;
  STARLING_TRY(read(stored.bytes));
  if (stored != hash_) return malformed("its header does not match its hash");
  return {};
}

base::Status SnapshotReader::read_end() {
  ended_ = true;
  if (seen_ != header_.entries) {
    return malformed("it has " + std::to_string(seen_) + " entries instead of " + std::to_string(header_.entries));
  }
  std::uint8_t byte = 0;
  STARLING_ASSIGN(const std::size_t got, source_({&byte, 1}));
  if (got != 0) return malformed("there are bytes after its end");
  return {};
}

base::Result<std::vector<Write>> SnapshotReader::next() {
  if (ended_) return std::vector<Write>();
  base::Bytes length_bytes(4);
  STARLING_TRY(read(length_bytes));
  const std::size_t length = base::Decoder(length_bytes).u32();
  if (length == 0) {
    STARLING_TRY(read_end());
    return std::vector<Write>();
  }
  if (length > kMaxChunkBytes) return malformed("a chunk is too long");
  base::Bytes payload(length);
  STARLING_TRY(read(payload));
  base::Hash stored;
  STARLING_TRY(read(stored.bytes));
  hash_ = chunk_hash(hash_, payload);
  if (stored != hash_) return malformed("a chunk does not match its hash");
  return parse_chunk(payload);
}

base::Result<std::vector<Write>> SnapshotReader::parse_chunk(const base::Bytes& payload) {
  std::vector<Write> entries;
  base::Decoder decoder(payload);
  while (decoder.ok() && decoder.remaining() > 0) {
    Write entry;
    entry.key = decoder.bytes(kMaxKeyBytes);
    entry.value = decoder.bytes(kMaxValueBytes);
    if (!decoder.ok()) break;
    const base::Bytes& before = entries.empty() ? last_key_ : entries.back().key;
    // No key is empty, so the first one follows the empty one.
    if (!KeyOrder()(before, entry.key)) return malformed("its keys are not in order");
    entries.push_back(std::move(entry));
  }
  if (!decoder.finish().ok()) return malformed("a chunk does not follow its format");
  const Write& first = entries.front();
  if (seen_ > 0 && last_chunk_ + encoded_size(first.key.size(), first.value->size()) <= kMaxChunkBytes) {
    return malformed("a chunk is shorter than it must be");
  }
  last_key_ = entries.back().key;
  last_chunk_ = payload.size();
  seen_ += entries.size();
  return entries;
}

base::Status export_snapshot(const StateSnapshot& state, const std::filesystem::path& file) {
  STARLING_ASSIGN(base::AtomicFile output, base::AtomicFile::create(file));
  const CommittedState& committed = state.state();
  SnapshotWriter writer(output);
  STARLING_TRY(writer.begin({committed.height, committed.root, committed.entries, committed.metadata}));
  base::Status added;
  std::uint64_t count = 0;
  STARLING_TRY(state.scan({}, [&](base::ByteView key, base::ByteView value) {
    added = writer.add(key, value);
    ++count;
    return added.ok();
  }));
  STARLING_TRY(added);
  if (count != committed.entries) {
    return base::corrupt("the state is damaged: it has " + std::to_string(count) + " entries instead of " +
                         std::to_string(committed.entries) + "; put an older snapshot in its place");
  }
  STARLING_TRY(writer.end());
  return output.commit();
}

base::Result<SnapshotHeader> read_snapshot_header(const std::filesystem::path& file) {
  STARLING_ASSIGN(const SnapshotReader reader, open_file(file));
  return reader.header();
}

base::Result<SnapshotHeader> import_snapshot(const std::filesystem::path& file, const std::filesystem::path& folder,
                                             const std::optional<base::Hash>& trusted_root,
                                             const StateStoreOptions& options) {
  STARLING_ASSIGN(SnapshotReader reader, open_file(file));
  const SnapshotHeader header = reader.header();
  if (trusted_root && header.root != *trusted_root) {
    return base::invalid("the snapshot " + file.string() + " is of another state (root " + header.root.hex() +
                         " instead of " + trusted_root->hex() + "); get the right one");
  }
  std::error_code error;
  if (std::filesystem::exists(folder, error) && !std::filesystem::is_empty(folder, error)) {
    return base::invalid(folder.string() + " is not an empty folder; choose another one for the imported state");
  }
  const std::filesystem::path whole = std::filesystem::absolute(folder, error).lexically_normal();
  const std::filesystem::path target = whole.has_filename() ? whole : whole.parent_path();
  STARLING_TRY(base::make_directories(target.parent_path()));
  const UnfinishedFolder unfinished(target.parent_path() / ("." + target.filename().string() + ".importing"));
  {
    STARLING_ASSIGN(const std::unique_ptr<StateStore> store, StateStore::open(unfinished.path(), options));
    // Parts that fit into memory; the tree is written once for each.
    constexpr std::size_t kPartEntries = 1'000'000;
    constexpr std::size_t kPartBytes = std::size_t{256} << 20;
    std::vector<Write> part;
    std::size_t part_bytes = 0;
    for (bool more = true; more;) {
      STARLING_ASSIGN(std::vector<Write> chunk, reader.next());
      more = !chunk.empty();
      for (Write& entry : chunk) {
        part_bytes += encoded_size(entry.key.size(), entry.value->size());
        part.push_back(std::move(entry));
      }
      if (more && part.size() < kPartEntries && part_bytes < kPartBytes) continue;
      STARLING_ASSIGN(const base::Hash root, store->apply(std::move(part), header.height, header.metadata));
      if (!more && root != header.root) {
        return base::corrupt("the snapshot " + file.string() + " is false: its entries have the root " + root.hex() +
                             " instead of " + header.root.hex());
      }
      part.clear();
      part_bytes = 0;
    }
  }
  std::filesystem::rename(unfinished.path(), target, error);
  if (error) return base::system_error("write", target, error.value());
  STARLING_TRY(base::sync_directory(target.parent_path()));
  return header;
}

}  // namespace starling::store
