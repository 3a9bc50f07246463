#include "consensus/block_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"

namespace starling::consensus {
namespace {

constexpr std::string_view kMagic = "starling blocks";
constexpr std::uint32_t kFormat = 1;
constexpr std::string_view kEnding = ".blocks";
constexpr std::size_t kMaxHeadBytes = 4096;
constexpr std::size_t kMaxOpenFiles = 16;

// Before every block. Bytes that no text has, and more of them in a row than anybody else chooses in a block.
constexpr std::array<std::uint8_t, 16> kMark = {0xff, 0xfe, 0x53, 0x54, 0x41, 0x52, 0x4c, 0x49,
                                                0x4e, 0x47, 0xfe, 0xff, 0x42, 0x4c, 0x4b, 0xc0};
constexpr std::size_t kRecordHead = kMark.size() + 4 + 32;

base::Hash record_hash(base::ByteView content) { return base::sha256(content); }

void append_record(base::Bytes& records, base::ByteView content) {
  base::Encoder length;
  length.u32(static_cast<std::uint32_t>(content.size()));
  const base::Hash hash = record_hash(content);
  records.reserve(records.size() + kRecordHead + content.size());
  records.insert(records.end(), kMark.begin(), kMark.end());
  records.insert(records.end(), length.data().begin(), length.data().end());
  records.insert(records.end(), hash.bytes.begin(), hash.bytes.end());
  records.insert(records.end(), content.begin(), content.end());
}

struct RecordHead {
  std::size_t length = 0;
  base::Hash hash;
};

std::optional<RecordHead> decode_head(base::ByteView bytes) {
  if (bytes.size() < kRecordHead || !std::equal(kMark.begin(), kMark.end(), bytes.begin())) return std::nullopt;
  base::Decoder decoder(bytes.subspan(kMark.size(), kRecordHead - kMark.size()));
  RecordHead head;
  head.length = decoder.u32();
  head.hash = decoder.hash();
  if (head.length > kMaxBlockBytes) return std::nullopt;
  return head;
}

// The content of the record at the beginning of bytes, if it is whole.
std::optional<base::ByteView> whole_record(base::ByteView bytes) {
  const std::optional<RecordHead> head = decode_head(bytes);
  if (!head.has_value() || bytes.size() - kRecordHead < head->length) return std::nullopt;
  const base::ByteView content = bytes.subspan(kRecordHead, head->length);
  if (record_hash(content) != head->hash) return std::nullopt;
  return content;
}

// Whether a whole block lies anywhere in the bytes.
bool has_block(base::ByteView bytes) {
  for (;;) {
    const auto found = std::search(bytes.begin(), bytes.end(), kMark.begin(), kMark.end());
    if (found == bytes.end()) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(found - bytes.begin()));
    if (whole_record(bytes).has_value()) return true;
    bytes = bytes.subspan(1);
  }
}

base::Bytes encode_head(const SignedHeader& before) {
  base::Encoder encoder;
  encoder.text(kMagic);
  encoder.u32(kFormat);
  encoder.bytes(encode_header(before));
  const base::Hash hash = base::sha256(encoder.data());
  encoder.hash(hash);
  return encoder.data();
}

base::Result<SignedHeader> read_head(const std::filesystem::path& path) {
  STARLING_ASSIGN(const base::MappedFile file, base::MappedFile::open(path));
  const base::ByteView bytes = file.bytes().first(std::min(file.bytes().size(), kMaxHeadBytes));
  base::Decoder decoder(bytes);
  const std::string magic = decoder.text(kMagic.size());
  const std::uint32_t format = decoder.u32();
  if (decoder.ok() && magic == kMagic && format != kFormat) {
    return base::unsupported(path.string() + " has format " + std::to_string(format) +
                             ", and this program reads format " + std::to_string(kFormat));
  }
  base::Result<SignedHeader> before = decode_header(decoder.bytes(kMaxHeadBytes));
  if (!before.ok() || magic != kMagic || bytes.size() < encode_head(*before).size() ||
      !std::ranges::equal(encode_head(*before), bytes.first(encode_head(*before).size()))) {
    return base::corrupt(path.string() +
                         " is damaged (its beginning does not follow its format); put a copy in its "
                         "place, or start again from a snapshot");
  }
  return before;
}

std::string file_name(Height first) {
  std::string digits = std::to_string(first);
  constexpr std::size_t kDigits = 20;
  return std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits + std::string(kEnding);
}

}  // namespace

std::filesystem::path BlockLog::path_of(Height first) const { return folder_ / file_name(first); }

base::Error BlockLog::damaged(Height first, std::uint64_t offset, const std::string& what) const {
  return base::corrupt(path_of(first).string() + " is damaged at byte " + std::to_string(offset) + " (" + what +
                       "); put a copy in its place, or start again from a snapshot");
}

bool BlockLog::exists(const std::filesystem::path& folder) {
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    if (at->path().extension() == kEnding) return true;
  }
  return false;
}

base::Status BlockLog::begin(const std::filesystem::path& folder, const SignedHeader& before) {
  STARLING_TRY(base::make_directories(folder));
  return base::write_new_file(folder / file_name(before.header.height + 1), encode_head(before));
}

base::Result<std::unique_ptr<BlockLog>> BlockLog::open(const std::filesystem::path& folder, std::uint64_t file_bytes) {
  std::unique_ptr<BlockLog> log(new BlockLog(folder, file_bytes));
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    if (at->path().extension() != kEnding) continue;
    STARLING_ASSIGN(const SignedHeader before, read_head(at->path()));
    const Height first = before.header.height + 1;
    if (at->path().filename() != file_name(first)) {
      return base::corrupt(at->path().string() + " holds the blocks from " + std::to_string(first) +
                           "; give it back its name");
    }
    log->files_[first] = before;
  }
  if (error) return base::system_error("read", folder, error.value());
  if (log->files_.empty()) return base::not_found("there is no log of blocks in " + folder.string());
  log->base_ = log->files_.begin()->second;
  return log;
}

base::Status BlockLog::recover(const SignedHeader& last, const std::optional<LogPosition>& position,
                               const Visit& visit) {
  const Height next = last.header.height + 1;
  auto at = files_.upper_bound(position.has_value() ? position->file : next);
  if (at == files_.begin() || (position.has_value() && std::prev(at)->first != position->file)) {
    return base::corrupt("the log of blocks in " + folder_.string() + " lacks the blocks after " +
                         std::to_string(last.header.height) + "; put a copy in its place");
  }
  --at;
  // The block of `last` itself is read again, to see that it is there.
  BlockHeader previous = last.header;
  std::uint64_t offset = encode_head(at->second).size();
  if (position.has_value()) {
    offset = position->offset;
    const base::Result<Block> known = read(*position);
    if (!known.ok() || known->header != last) {
      return damaged(at->first, offset,
                     "the state is after block " + std::to_string(last.header.height) + ", which is not there");
    }
    offset += kRecordHead + encode_block(*known).size();
  } else if (at->second != last) {
    return base::corrupt("the log of blocks in " + folder_.string() + " does not lead on from block " +
                         std::to_string(last.header.height) + ", where the state is; put a copy in its place");
  }
  last_ = last;
  for (;;) {
    const auto next_at = std::next(at);
    STARLING_TRY(recover_file(at->first, offset, next_at == files_.end(), previous, visit));
    if (next_at == files_.end()) return {};
    at = next_at;
    if (at->second != last_) return damaged(at->first, 0, "the block before it is another one");
    offset = encode_head(at->second).size();
  }
}

base::Status BlockLog::recover_file(Height first, std::uint64_t offset, bool last_file, BlockHeader& previous,
                                    const Visit& visit) {
  {
    STARLING_ASSIGN(const base::MappedFile map, base::MappedFile::open(path_of(first)));
    const base::ByteView bytes = map.bytes();
    if (offset > bytes.size()) return damaged(first, bytes.size(), "it ends early");
    while (offset < bytes.size()) {
      const base::ByteView rest = bytes.subspan(offset);
      const std::optional<base::ByteView> content = whole_record(rest);
      if (!content.has_value()) {
        if (!last_file || has_block(rest.subspan(1))) return damaged(first, offset, "a block does not match its hash");
        break;
      }
      base::Result<Block> block = decode_block(*content);
      if (!block.ok() || block->header.header.height != previous.height + 1 ||
          block->header.header.previous != header_hash(previous)) {
        return damaged(first, offset, "there is not block " + std::to_string(previous.height + 1));
      }
      previous = block->header.header;
      last_ = block->header;
      STARLING_TRY(visit(*std::move(block), {first, offset}));
      offset += kRecordHead + content->size();
    }
    if (!last_file) return {};
    end_ = offset;
    writing_ = first;
    if (offset == bytes.size()) return {};
    base::log(base::LogLevel::kWarning, "cut off a block that was not written to its end",
              {{"file", path_of(first).string()}, {"bytes", std::to_string(bytes.size() - offset)}});
  }
  STARLING_ASSIGN(const std::shared_ptr<store::DataFile> open, file(first));
  return open->resize(end_);  // synced with the next block, and done again if that does not come to be
}

base::Result<std::shared_ptr<store::DataFile>> BlockLog::file(Height first) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = open_files_.find(first); found != open_files_.end()) return found->second;
  if (!files_.contains(first)) {
    return base::not_found("there is no file of blocks that begins with " + std::to_string(first));
  }
  STARLING_ASSIGN(store::DataFile opened, store::DataFile::open_or_create(path_of(first)));
  if (open_files_.size() >= kMaxOpenFiles) open_files_.erase(open_files_.begin());
  return open_files_[first] = std::make_shared<store::DataFile>(std::move(opened));
}

base::Status BlockLog::next_file(const SignedHeader& before) {
  const Height first = before.header.height + 1;
  const base::Bytes head = encode_head(before);
  STARLING_TRY(base::write_new_file(path_of(first), head));
  const std::lock_guard lock(mutex_);
  files_[first] = before;
  writing_ = first;
  end_ = head.size();
  return {};
}

base::Status BlockLog::write(base::ByteView records) {
  STARLING_ASSIGN(const std::shared_ptr<store::DataFile> open, file(writing_));
  const base::Status written = open->write(end_, records);
  if (!written.ok()) {
    // A part of a block, which the next one must not follow.
    failed_ = !open->resize(end_).ok();
    return written.error();
  }
  base::Status synced = open->sync();
  if (!synced.ok()) failed_ = true;
  return synced;
}

base::Result<std::vector<LogPosition>> BlockLog::append(std::span<const Block> blocks) {
  if (failed_) {
    return base::io_error("the log of blocks in " + folder_.string() +
                          " takes no more blocks since the disk failed; mend it and start again");
  }
  if (end_ > file_bytes_) STARLING_TRY(next_file(last_));
  std::vector<LogPosition> positions;
  base::Bytes records;
  Height height = last_.header.height;
  for (const Block& block : blocks) {
    if (block.header.header.height != ++height) {
      return base::invalid("block " + std::to_string(block.header.header.height) + " cannot follow block " +
                           std::to_string(height - 1));
    }
    const base::Bytes content = encode_block(block);
    if (content.size() > kMaxBlockBytes) {
      return base::limit_error("a block has " + std::to_string(content.size()) + " bytes; at most " +
                               std::to_string(kMaxBlockBytes) + " are allowed");
    }
    positions.push_back({writing_, end_ + records.size()});
    append_record(records, content);
  }
  STARLING_TRY(write(records));
  end_ += records.size();
  if (!blocks.empty()) last_ = blocks.back().header;
  return positions;
}

base::Result<Block> BlockLog::read(const LogPosition& position) const {
  STARLING_ASSIGN(const std::shared_ptr<store::DataFile> open, file(position.file));
  base::Bytes head_bytes(kRecordHead);
  STARLING_TRY(open->read(position.offset, head_bytes));
  const std::optional<RecordHead> head = decode_head(head_bytes);
  if (!head.has_value()) return damaged(position.file, position.offset, "there is no block");
  STARLING_ASSIGN(const std::uint64_t size, open->size());
  if (head->length > size) return damaged(position.file, position.offset, "it ends early");
  base::Bytes content(head->length);
  STARLING_TRY(open->read(position.offset + kRecordHead, content));
  if (record_hash(content) != head->hash) {
    return damaged(position.file, position.offset, "a block does not match its hash");
  }
  return decode_block(content);
}

}  // namespace starling::consensus
